"""Segmenters of mmsegmentation: any of its configs, trained here or loaded with its own weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..datasets import Card
from ..symmflow.bounded import check_weights
from ..symmflow.checkpoint import Checkpoint
from ..symmflow.errors import InputError
from ..symmflow.files import sha256
from ..symmflow.recipe import Recipe, Table, check_table
from ..symmflow.solvers import Steps
from .base import Foreign, Method, Segmentation
from .does import YES, Does, Segment, Support, no
from .parts.classes import class_order
from .parts.mmseg_config import INSTALL, config_files, config_path, package_version, read_config
from .parts.windows import SegmenterInference, Window, chosen_window, configured_window, slid
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective


class MMSegOptions(Table):
    """`[options]` of an mmsegmentation recipe."""

    config: str
    """A config of the installed package (`segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py`) or a path."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Dotted keys of the config and their values: {"model.backbone.embed_dims" = 16}."""
    scale: Annotated[int, Field(ge=1)] = 1
    """Images are enlarged so many times before the network, which predicts at a quarter or an eighth of its input."""


@dataclass(frozen=True)
class MMSegObjective:
    """The losses of the config's heads, auxiliary ones too, summed with their weights; void pixels left out."""

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, 3, H, W] in [-1, 1]; labels: class ids [B, H, W]."""
        loss = network(images, labels)
        return loss, {"heads": loss.detach()}


class MMSeg(Method):
    """`mmseg:<config>` with `--checkpoint` for weights of mmsegmentation's own; recipes train any config here.

    Configs are taken from the installed package. Any other is Python code, as is what a pickle may hold: they need
    `--trust`. Pretrained backbones are not downloaded: every method starts from random weights. Weights of its own see
    images whole or in windows as the `test_cfg` of their config says, unless `--set window=N`.
    """

    name = "mmseg"
    title = "mmsegmentation segmenter (SegFormer, DeepLab, PSPNet, ...)"
    tasks = (Segment(any_size=True),)
    stepless = True
    Options = MMSegOptions
    Inference = SegmenterInference

    def __init__(self, network: nn.Module, recipe: Recipe | None, card: Card) -> None:
        self.net, self.card, self.inference = network, card, self.Inference()
        self.own: Window | None = None
        """The window of its config; None: whole images."""
        self.order: tuple[int, ...] | None = None
        """The card's id of each class id of the model's; None: the same."""

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        if card.channels != 3:
            return no(f"{card.name} has no colour images")
        return YES if find_spec("mmseg") and find_spec("mmcv") else no(INSTALL)

    @classmethod
    def vet(cls, recipe: Recipe, trust: bool) -> None:
        config_path(cls.options_of(recipe).config, trust)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from .parts.mmseg_network import build

        options = cls.options_of(recipe)
        return build(read_config(options.config, options.overrides), len(card.classes), options.scale)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        return MMSegObjective()

    @classmethod
    def open(cls, argument: str, dataset: str, given: str | None, trust: bool = False) -> Foreign | None:
        if not argument:
            return None
        if given is None or not Path(given).is_file():
            raise InputError(f"mmseg:{argument} needs its weights: --checkpoint FILE.pth.")
        parts = [package_version(), *map(sha256, [*config_files(config_path(argument, trust)), Path(given)])]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return Foreign(Path(given), argument, digest, trust)

    @classmethod
    def load(
        cls, checkpoint: Checkpoint | Foreign, card: Card, device: str, inference: Mapping[str, Any] | None = None
    ) -> Method:
        if not isinstance(checkpoint, Foreign):
            return super().load(checkpoint, card, device, inference)
        from .parts.mmseg_network import build

        chosen = check_table(cls.Inference, inference or {}, f"--set for {cls.name}")
        model = read_config(checkpoint.name, {}, whole=False)
        own = configured_window(model.get("test_cfg") or {}, checkpoint.name)
        network = build(model | ({"test_cfg": {"mode": "whole"}} if own else {}), len(card.classes))
        order = _load_weights(network.model, checkpoint, card, chosen)
        method = cls(network.to(device).eval().requires_grad_(False), None, card)
        method.inference, method.own, method.order = chosen, own, order
        return method

    @property
    def window(self) -> Window | None:
        """That slides over images; None: it sees them whole."""
        return chosen_window(self.inference, self.own)

    def nfe(self, task: str, steps: Steps | None, solver: str | None) -> int:
        return len(self.window.places(self.card.size)) if self.window else 1

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        import torch

        logits = slid(self.net, images, self.window) if self.window else self.net(images)
        classes = logits.argmax(dim=1)
        if self.order is not None:
            classes = torch.tensor(self.order, device=classes.device)[classes]
        yield Segmentation(classes)


def _load_weights(
    model: nn.Module, checkpoint: Foreign, card: Card, chosen: SegmenterInference
) -> tuple[int, ...] | None:
    """Fill a model from a file of weights; the card's id of each of its classes, as `class_order` has it."""
    import pickle

    import torch

    try:
        check_weights(checkpoint.path)
        stored = torch.load(checkpoint.path, map_location="cpu", weights_only=not checkpoint.trusted)
        named = _class_names(stored.get("meta"))
        count = len(card.classes) if named is None else len(named)
        order = class_order(named, count, card, str(checkpoint.path), chosen.classes)
        model.load_state_dict(stored.get("state_dict", stored))
    except pickle.UnpicklingError as error:
        if checkpoint.trusted:
            raise InputError(f"{checkpoint.path} is damaged, or no file of weights.") from error
        raise InputError(
            f"{checkpoint.path} holds more than weights and is not loaded, because a pickle can run code; save its "
            "state_dict alone, or add --trust."
        ) from error
    except ImportError as error:
        raise InputError(f"{checkpoint.path} needs a package that is not here ({error}); install it.") from error
    except (RuntimeError, AttributeError, EOFError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"the weights in {checkpoint.path} do not fit {checkpoint.name} ({first}).") from error
    return order


def _class_names(meta: Any) -> list[str] | None:
    """Those that mmsegmentation 1 (`dataset_meta`) and 0 (`CLASSES`) keep with weights; None where there are none."""
    tables = [table for table in (meta, meta.get("dataset_meta")) if table] if isinstance(meta, dict) else []
    for table in filter(lambda table: isinstance(table, dict), tables):
        for key in ("classes", "CLASSES"):
            if isinstance(names := table.get(key), list | tuple) and names:
                return [str(name) for name in names]
    return None
