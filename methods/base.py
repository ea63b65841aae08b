"""The one interface behind which every method stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..datasets import Card
from ..symmflow.recipe import Recipe

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

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        self.net, self.recipe, self.card = network, recipe, card

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
    def load(cls, checkpoint: Checkpoint, card: Card, device: str) -> Method:
        """A method ready to run on `device`: its network with the checkpoint's weights, in evaluation mode."""
        network = cls.network(checkpoint.recipe, card)
        checkpoint.load_into(network)
        return cls(network.to(device).eval().requires_grad_(False), checkpoint.recipe, card)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The networks whose calls are the cost: the harness hooks them to count evaluations."""
        return [self.net]

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
