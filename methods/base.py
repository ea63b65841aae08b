"""The one interface behind which every method stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..datasets import Card
from ..symmflow.errors import InputError
from ..symmflow.recipe import Recipe, Table, check_table
from ..symmflow.solvers import EVALUATIONS_PER_STEP, SOLVERS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.checkpoint import Checkpoint
    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective
    from ..symmflow.solvers import Trace

TASKS = {"cls": "classify", "ss": "segment", "sis": "synthesize"}
"""The papers' abbreviations and what the command line also takes."""


@dataclass(frozen=True)
class Support:
    """Whether a method can do something, and if not, why. True and false like a bool."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


YES = Support(True)


def no(reason: str) -> Support:
    return Support(False, reason)


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
    """Of all files that decide what the model does."""
    trusted: bool = False
    """The user lets it run code (`--trust`)."""

    @property
    def fingerprint(self) -> str:
        return self.sha256


class Method(ABC):
    """Something that does some of the three tasks.

    Register a subclass under the entry-point group `symmbench.methods`; nothing here needs to change. Modules that
    hold methods import torch inside functions, so that asking what a method supports stays cheap.

    `steps` is a tuple so that a method may share work between step counts; results come lazily, one per step count in
    that order, so that each can be timed and its network evaluations counted. A method without steps gets `(None,)`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    """Paper, and where in it."""
    stepless: ClassVar[bool] = False
    """Has no steps: runs once."""
    any_size: ClassVar[bool] = False
    """Segments images of other sizes than the card's."""
    Options: ClassVar[type[Table]] = Table
    """What `[options]` of a recipe may hold for this method; `options_of` reads it."""
    Inference: ClassVar[type[Table]] = Table
    """What `bench run --set` may change; part of the cell. The values are in `self.inference`."""

    inference: Any

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        self.net, self.recipe, self.card = network, recipe, card
        self.inference = self.Inference()

    @classmethod
    def inference_fields(cls, task: str) -> tuple[str, ...]:
        """The fields of `Inference` that `task` depends on."""
        return tuple(cls.Inference.model_fields)

    @classmethod  # noqa: B027 (most methods load nothing that could run)
    def vet(cls, recipe: Recipe, trust: bool) -> None:
        """Raise `InputError` for a recipe that would run code from outside, unless the user trusts it."""

    @classmethod
    def options_of(cls, recipe: Recipe) -> Any:
        """The recipe's `[options]`, checked."""
        return check_table(cls.Options, recipe.options, f"{recipe.name}: options")

    @classmethod
    def solvers(cls, task: str) -> tuple[str, ...]:
        """The solvers that `task` can be done with, the default first; none for a method that solves nothing."""
        return () if cls.stepless else SOLVERS

    @classmethod
    @abstractmethod
    def supports(cls, task: str, steps: int | None, card: Card) -> Support:
        """Whether the method can do `task` (cls, ss, sis) on data like `card` in `steps` steps."""

    @classmethod
    @abstractmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        """The untrained network of a recipe."""

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
        network = cls.network(checkpoint.recipe, card)
        checkpoint.load_into(network)
        method = cls(network.to(device).eval().requires_grad_(False), checkpoint.recipe, card)
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

    def nfe(self, task: str, steps: int | None, solver: str) -> int | None:
        """Network evaluations a sample of a task; None where they depend on the sample (adaptive solvers)."""
        if self.stepless:
            return 1
        return None if steps is None else steps * EVALUATIONS_PER_STEP.get(solver, 1)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The networks whose calls are the cost: the harness hooks them to count evaluations."""
        return [self.net]

    def require(self, task: str) -> None:
        """Raise TypeError where the method cannot do `task` on its data at all."""
        if not (support := self.supports(task, None, self.card)):
            raise TypeError(f"{self.name} cannot do {task}: {support.reason}")

    def segment(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Segmentation]:
        """Images as the card says, [B, C, H, W] in [-1, 1] -> one `Segmentation` per step count."""
        raise TypeError(f"{self.name} does not segment")

    def classify(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Classification]:
        """Images [B, C, H, W] in [-1, 1], or points [B, D] -> one `Classification` per step count."""
        raise TypeError(f"{self.name} does not classify")

    def synthesize(
        self,
        semantics: Tensor,
        *,
        steps: tuple[int | None, ...],
        solver: str,
        noise: Draws,
        draw: int = 0,
        trace: Trace | None = None,
    ) -> Iterator[Tensor]:
        """Class ids [B, H, W] or [B] -> images [B, C, H, W] in [-1, 1], one batch per step count.

        `draw` numbers the samples of one label.
        """
        raise TypeError(f"{self.name} does not synthesize")
