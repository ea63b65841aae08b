"""Segmenters of mmsegmentation: any of its configs, trained here or loaded with its own weights."""

from __future__ import annotations

import hashlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..datasets import Card
from ..symmflow.checkpoint import Checkpoint, file_sha256
from ..symmflow.errors import InputError, unknown
from ..symmflow.recipe import Recipe, Table
from .base import YES, Foreign, Method, Segmentation, Support, no

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective
    from ..symmflow.solvers import Trace

INSTALL = "mmsegmentation is not installed; pip install 'symmbench[mmseg]'"


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
    """The losses of the config's heads, auxiliary ones too, summed with their weights; void pixels (255) left out."""

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, 3, H, W] in [-1, 1]; labels: class ids [B, H, W]."""
        loss = network(images, labels)
        return loss, {"heads": loss.detach()}


class MMSeg(Method):
    """`mmseg:<config>` with `--checkpoint` for weights of mmsegmentation's own; recipes train any config here.

    Configs are taken from the installed package. Any other is Python code, as is what a pickle may hold: they need
    `--trust`. Pretrained backbones are not downloaded: every method starts from random weights.
    """

    name = "mmseg"
    title = "mmsegmentation segmenter (SegFormer, DeepLab, PSPNet, ...)"
    any_size = True
    stepless = True
    Options = MMSegOptions

    @classmethod
    def supports(cls, task: str, steps: int | None, card: Card) -> Support:
        if task != "ss":
            return no("mmsegmentation only segments")
        if not card.has_masks or card.channels != 3:
            return no(f"{card.name} has no colour images with masks")
        return YES if find_spec("mmseg") and find_spec("mmcv") else no(INSTALL)

    @classmethod
    def vet(cls, recipe: Recipe, trust: bool) -> None:
        config_path(cls.options_of(recipe).config, trust)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
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
        config = config_path(argument, trust)
        digest = hashlib.sha256(f"{file_sha256(config)} {file_sha256(Path(given))}".encode()).hexdigest()
        return Foreign(Path(given), argument, digest, trust)

    @classmethod
    def load(
        cls, checkpoint: Checkpoint | Foreign, card: Card, device: str, inference: Mapping[str, Any] | None = None
    ) -> Method:
        if not isinstance(checkpoint, Foreign):
            return super().load(checkpoint, card, device, inference)
        import pickle

        import torch

        network = build(read_config(checkpoint.name, {}, whole=False), len(card.classes))
        try:
            stored = torch.load(checkpoint.path, map_location="cpu", weights_only=not checkpoint.trusted)
            network.model.load_state_dict(stored.get("state_dict", stored))
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
        method = cls.__new__(cls)
        method.net, method.card, method.inference = network.to(device).eval().requires_grad_(False), card, Table()
        return method

    def segment(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Segmentation]:
        for _ in steps:
            yield Segmentation(self.net(images).argmax(dim=1))


def config_path(name: str, trust: bool = True) -> Path:
    """A config of the installed mmsegmentation; any other file only with `trust`, because it is run."""
    spec = find_spec("mmseg")
    if spec is None or spec.origin is None:
        raise InputError(f"{INSTALL}.")
    root = Path(spec.origin).parent / ".mim" / "configs"
    inside = (root / name).resolve()
    if inside.is_file() and inside.is_relative_to(root.resolve()):
        return inside
    if not Path(name).is_file():
        raise unknown("mmsegmentation config", name, [str(p.relative_to(root)) for p in root.glob("*/*.py")])
    if not trust:
        raise InputError(f"{name} is no config of mmsegmentation but a program of its own; add --trust to run it.")
    return Path(name)


def read_config(name: str, overrides: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """The model of a config: no download, no synchronised batch norm, and whole-image inference where `whole`."""
    path = config_path(name)
    try:
        from mmengine.config import Config
    except ImportError:
        raise InputError(f"{INSTALL}.") from None
    for key in overrides:
        if not key.startswith("model."):
            raise InputError(f"options.overrides: {key!r} is not of the model; keys begin with 'model.'.")
    try:
        config = Config.fromfile(path)
    except Exception as error:  # a config is a program and can fail in any way
        raise InputError(f"{name} cannot be read ({type(error).__name__}: {str(error).splitlines()[0]}).") from error
    try:
        config.merge_from_dict(dict(overrides))
        model = config.model.to_dict()
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"options.overrides do not fit {name}: {error}.") from None
    return _local(model) | ({"test_cfg": {"mode": "whole"}} if whole else {})


def _local(node: Any) -> Any:
    """Without pretrained weights, and with batch norm of one process."""
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if k != "pretrained" and not (k == "init_cfg" and _downloads(v))}
        plain = {key: _local(value) for key, value in kept.items()}
        return plain | {"type": "BN"} if plain.get("type") == "SyncBN" else plain
    return type(node)(map(_local, node)) if isinstance(node, list | tuple) else node  # some parts insist on tuples


def _downloads(init: Any) -> bool:
    return any(isinstance(i, dict) and "checkpoint" in i for i in (init if isinstance(init, list) else [init]))


def _set_classes(node: Any, num_classes: int) -> bool:
    """Change every `num_classes` in a head, also of heads within it; whether there was one.

    Weights of other classes than ours in its losses go.
    """
    weights = node.get("class_weight") if isinstance(node, dict) else None
    if isinstance(weights, list | tuple) and len(weights) != num_classes:
        del node["class_weight"]
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    found = [_set_classes(value, num_classes) for value in inside]
    if isinstance(node, dict) and "num_classes" in node:
        if node.get("out_channels") in (1, node["num_classes"]):  # of logits, not of a hidden layer
            del node["out_channels"]
        node["num_classes"] = num_classes
        return True
    return any(found)


def _check_types(node: Any, known: set[str]) -> None:
    """Refuse a `type` that no registry has: mmengine would import it, and call it with what stands beside it."""
    if isinstance(node, dict):
        kind = node.get("type")
        if kind is not None and kind not in known:
            raise InputError(f"the config names a type {kind!r} that mmsegmentation does not register.")
        node = list(node.values())
    if isinstance(node, list | tuple):
        for value in node:
            _check_types(value, known)


@contextmanager
def _silently(logger: logging.Logger) -> Iterator[None]:
    """Models tell of every parameter, some by print: nothing of it may stand in the JSON of standard output."""
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _fitting(size: tuple[int, ...]) -> Iterator[None]:
    """Say what a model cannot do with: images too small for its pooling, labels that are only masks."""
    try:
        yield
    except (AttributeError, AssertionError, KeyError, TypeError) as error:  # a loss that asks for more, such as edges
        raise InputError(f"this model asks for more than images and masks ({_first_line(error)}).") from error
    except RuntimeError as error:
        if "too small" not in str(error):
            raise
        raise InputError(f"{size[0]}x{size[1]} pixels are too few for this model; raise options.scale.") from error


def _first_line(error: Exception) -> str:
    """What went wrong, and where if the error says nothing more."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0] if said else traceback.extract_tb(error.__traceback__)[-1].line}"


def _registered() -> set[str]:
    """Names of all parts of models, and of their helpers, that mmengine, mmcv and mmsegmentation register."""
    from mmengine.registry import MODELS, TASK_UTILS

    names, registries = set[str](), [MODELS, TASK_UTILS]
    while registries:
        registry = registries.pop()
        names |= set(registry.module_dict)
        registries += registry.children.values()
    return names | {"Normal", "Constant", "Xavier", "Kaiming", "TruncNormal", "Uniform", "Caffe2Xavier", "Bilinear"}


def build(model: dict[str, Any], num_classes: int, scale: int = 1) -> Any:
    """The network of a config: images [B, 3, H, W] in [-1, 1] -> logits [B, K, H, W]; with labels, the loss."""
    import warnings

    import torch
    from torch import nn

    try:
        with warnings.catch_warnings():  # mmcv-lite tells of ops that none of these configs uses
            warnings.simplefilter("ignore")
            import mmseg.models  # noqa: F401  (registers the parts)
            from mmengine.config import ConfigDict
            from mmengine.logging import MMLogger
            from mmengine.registry import init_default_scope
            from mmengine.structures import PixelData
            from mmseg.registry import MODELS
            from mmseg.structures import SegDataSample
    except ImportError as error:
        raise InputError(f"mmsegmentation cannot be imported ({error}); pip install 'symmbench[mmseg]'.") from None
    init_default_scope("mmseg")
    _check_types(model, _registered())
    preprocessor = model.pop("data_preprocessor", {})
    for head in ("decode_head", "auxiliary_head"):
        heads = model.get(head) or []
        for one in heads if isinstance(heads, list) else [heads]:
            if not _set_classes(one, num_classes):  # left to the part's default
                one["num_classes"] = num_classes
    try:
        with _silently(MMLogger.get_current_instance()):
            built: Any = MODELS.build(ConfigDict(model))
            built.init_weights()
    except Exception as error:  # parts of other packages, values that do not fit
        raise InputError(f"mmsegmentation cannot build this model ({_first_line(error)}).") from error

    class Network(nn.Module):
        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.model = built
            self.flip = not preprocessor.get("bgr_to_rgb", False)  # its images are BGR, ours RGB
            for name, default in (("mean", 0.0), ("std", 1.0)):
                value = torch.tensor(preprocessor.get(name, [default] * 3)).reshape(1, 3, 1, 1)
                self.register_buffer(name, value, persistent=False)

        def forward(self, images: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
            pixels = (images + 1) * 127.5
            inputs = ((pixels.flip(1) if self.flip else pixels) - self.mean) / self.std
            size = tuple(images.shape[-2:])
            if scale > 1:
                inputs = nn.functional.interpolate(inputs, scale_factor=scale, mode="bilinear", align_corners=False)
            large = tuple(inputs.shape[-2:])
            meta = {"img_shape": large, "ori_shape": large, "pad_shape": large, "padding_size": [0, 0, 0, 0]}
            if labels is None:
                with _fitting(large):
                    logits = self.model.inference(inputs, [meta] * len(images))
                return nn.functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)
            enlarged = nn.functional.interpolate(labels[:, None].float(), size=large, mode="nearest").long()
            samples = []
            for mask in enlarged:
                sample = SegDataSample(metainfo=meta)
                sample.gt_sem_seg = PixelData(data=mask)
                samples.append(sample)
            with _fitting(large):
                losses = self.model.loss(inputs, samples)
            return torch.stack([value for name, value in losses.items() if "loss" in name]).sum()

    return Network()
