"""The one interface behind which every method stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..datasets import Card
from ..symmflow.errors import InputError
from ..symmflow.recipe import Recipe, Table, check_table
from ..symmflow.solvers import EVALUATIONS_PER_STEP, Steps
from .does import YES, Does, Support, no
from .parts.latents import check_codec, image_codec, only_pixels
from .parts.pretrained import begin_with
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.checkpoint import Checkpoint
    from ..symmflow.latents import ImageCodec
    from ..symmflow.objective import Objective


@dataclass(frozen=True)
class Segmentation:
    """classes: class ids [B, H, W], int64."""

    classes: Tensor


@dataclass(frozen=True)
class Classification:
    """classes: class ids [B], int64; scores: [B, K], higher is likelier; `scale` says what the scores are."""

    classes: Tensor
    scores: Tensor
    scale: str
    """`probability`, `logit`, or what else: only probabilities may be calibrated."""


@dataclass(frozen=True)
class Foreign:
    """A checkpoint in another project's format: no recipe of ours, so it fits any data set of as many classes."""

    path: Path
    name: str
    sha256: str
    """Of all files that decide what the model does, and of the version of what reads them where that decides too."""
    trusted: bool = False
    """The user lets it run code (`--trust`)."""

    @property
    def fingerprint(self) -> str:
        return self.sha256


class Method(ABC):
    """Something that does some of the three tasks.

    Register a subclass under the entry-point group `symmbench.methods`; nothing here needs to change. Modules that
    hold methods import torch inside functions, so that asking what a method supports stays cheap.

    Of `segment`, `classify` and `synthesize` a method writes those that it does. Results come lazily, one per step
    count of the `Sampling`, so that each can be timed and its network evaluations counted; a method without steps gives
    exactly one.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    """Paper, and where in it."""
    version: ClassVar[int] = 1
    """Raised when its outputs change."""
    tasks: ClassVar[tuple[Does, ...]]
    """What it does, and how."""
    stepless: ClassVar[bool] = False
    """Has no steps and no solver: runs once."""
    ready_made: ClassVar[bool] = False
    """Its outputs are read, not made: what they cost is not known, and only the user knows in how many steps."""
    points: ClassVar[bool] = False
    """Takes points too, not only images."""
    latents: ClassVar[bool] = False
    """Works in the latents of an autoencoder too, where `[latents]` of a recipe names one: through `self.images`."""
    Options: ClassVar[type[Table]] = Table
    """What `[options]` of a recipe may hold for this method; `options_of` reads it."""
    Inference: ClassVar[type[Table]] = Table
    """What `bench run --set` may change; part of the cell. The values are in `self.inference`."""

    inference: Any

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        self.net, self.recipe, self.card = network, recipe, card
        self.inference = self.Inference()

    @cached_property
    def images(self) -> ImageCodec:
        """Between pixels and the space of the network, as `[latents]` of the recipe says."""
        return image_codec(self.recipe.latents)

    @classmethod
    def does(cls, task: str) -> Does | None:
        """What it declares of a task (cls, ss, sis)."""
        return {does.task: does for does in cls.tasks}.get(task)

    @classmethod
    def solvers(cls, task: str) -> tuple[str, ...]:
        """The solvers that `task` can be done with, the default first."""
        does = cls.does(task)
        return does.solvers if does and not cls.stepless else ()

    @classmethod
    def inference_fields(cls, task: str) -> tuple[str, ...]:
        """The fields of `Inference` that `task` depends on."""
        does = cls.does(task)
        if does is None:
            return ()
        return tuple(cls.Inference.model_fields) if does.options is None else does.options

    @classmethod
    def supports(cls, task: str, steps: int | None, card: Card, recipe: Recipe | None = None) -> Support:
        """Whether the method can do `task` on data like `card` in `steps` steps; None: in whatever number.

        `recipe`: that of the checkpoint, where one is chosen.
        """
        if (does := cls.does(task)) is None:
            return no(f"it only {' and '.join(does.third_person for does in cls.tasks)}")
        found = cls._takes(does, card) and cls.can(does, steps, card)
        return found and (YES if recipe is None else cls.allows(recipe, does, steps))

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        """What of `supports` is the method's own: the task is one of `tasks`, and the data suit it."""
        return YES

    @classmethod
    def allows(cls, recipe: Recipe, does: Does, steps: int | None) -> Support:
        """What of `supports` depends on how a checkpoint was trained."""
        return YES

    @classmethod
    def _takes(cls, does: Does, card: Card) -> Support:
        if card.is_points and not cls.points:
            return no(f"{card.name} has points, not images")
        return does.suits(card)

    @classmethod
    def check_data(cls, card: Card) -> None:
        """Raise `InputError` for data that it can do none of its tasks on: training would be in vain."""
        found = [cls._takes(does, card) for does in cls.tasks]
        if not any(found):
            raise InputError(f"{cls.name} cannot learn from {card.name}: {found[0].reason}; choose another data set.")

    def require(self, task: type[Does]) -> None:
        """Raise TypeError where the method cannot do `task` on its data at all."""
        if not (support := self.supports(task.task, None, self.card)):
            raise TypeError(f"{self.name} cannot {task.verb}: {support.reason}")

    @classmethod  # noqa: B027 (most methods load nothing that could run)
    def vet(cls, recipe: Recipe, trust: bool) -> None:
        """Raise `InputError` for a recipe that would run code from outside, unless the user trusts it."""

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        """Raise `InputError` for options that it does not have, and for latents where it knows pixels alone."""
        cls.options_of(recipe)
        if not cls.latents:
            only_pixels(recipe)

    @classmethod
    def options_of(cls, recipe: Recipe) -> Any:
        """The recipe's `[options]`, checked."""
        return check_table(cls.Options, recipe.options, f"{recipe.name}: options")

    @classmethod
    @abstractmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        """The untrained network of a recipe."""

    @classmethod
    def untrained(cls, recipe: Recipe, card: Card) -> nn.Module:
        """The network with which a training begins: `network`, with what the recipe's pipeline has to give."""
        network = cls.network(recipe, card)
        begin_with(network, recipe)
        return network

    @classmethod
    @abstractmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        """What the recipe's training minimises."""

    @classmethod
    def load(
        cls, checkpoint: Checkpoint | Foreign, card: Card, device: str, inference: Mapping[str, Any] | None = None
    ) -> Method:
        """A method ready to run on `device`: its network with the checkpoint's weights, in evaluation mode.

        `inference`: values of `Inference` that differ from the defaults.
        """
        assert not isinstance(checkpoint, Foreign)
        cls.check_recipe(checkpoint.recipe)
        network = cls.network(checkpoint.recipe, card)
        checkpoint.load_into(network)
        method = cls(network.to(device).eval().requires_grad_(False), checkpoint.recipe, card)
        if checkpoint.recipe.latents.codec != "pixels":
            check_codec(method.images, checkpoint.manifest)
        method.inference = check_table(cls.Inference, inference or {}, f"--set for {cls.name}")
        return method

    @classmethod
    def open(cls, argument: str, dataset: str, given: str | None, trust: bool = False) -> Foreign | None:
        """The checkpoint of `name:argument`, or None for one that symmbench trained.

        `given`: `--checkpoint`; `trust`: whether the user lets it run code.
        """
        if argument:
            raise InputError(f"{cls.name} takes nothing after a colon; give a checkpoint with --checkpoint.")
        return None

    def prepare(self, task: str, ids: Sequence[str], split: Sequence[str], several: int) -> None:  # noqa: B027
        """Told before the first batch what will be asked for: `ids` of those of a split, `several` samples a label.

        Raises `InputError` where it cannot be given.
        """

    @property
    def paired(self) -> bool:
        """Whether every synthesis is of the label that it was asked for; else only whole sets can be looked at."""
        return True

    def nfe(self, task: str, steps: Steps | None, solver: str | None) -> int | None:
        """Network evaluations a sample of a task; None where they depend on the sample (adaptive solvers).

        `steps`: None for a method without steps.
        """
        if self.stepless:
            return 1
        return steps * EVALUATIONS_PER_STEP.get(solver or "", 1) if isinstance(steps, int) else None

    def picture(self, state: Tensor, *, image: bool) -> Tensor | None:
        """What a state that `sampling.trace` was told of shows of what is being made, [B, C, H, W], [-1, 1] in range.

        `image`: an image is made of labels; else a mask of an image, which shows as colours. None: nothing to show.
        """
        return None

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The networks whose calls are the cost: the harness hooks them to count evaluations."""
        return [self.net]

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        """Images as the card says, [B, C, H, W] in [-1, 1] -> one `Segmentation` per step count."""
        raise TypeError(f"{self.name} does not segment")

    def classify(self, images: Tensor, sampling: Sampling) -> Iterator[Classification]:
        """Images [B, C, H, W] in [-1, 1], or points [B, D] -> one `Classification` per step count."""
        raise TypeError(f"{self.name} does not classify")

    def synthesize(self, semantics: Tensor, sampling: Sampling) -> Iterator[Tensor]:
        """Class ids [B, H, W] or [B] -> images [B, C, H, W] in [-1, 1], one batch per step count."""
        raise TypeError(f"{self.name} does not synthesize")
