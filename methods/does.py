"""What a method declares about the tasks that it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ..datasets import Card
from ..symmflow.solvers import SOLVERS

Labels = Literal["masks", "classes", "either"]


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
class Does:
    """A task, and how a method does it."""

    task: ClassVar[str]
    """The papers' abbreviation."""
    verb: ClassVar[str]
    """Of the command line, and of the method's function."""
    third_person: ClassVar[str]

    solvers: tuple[str, ...] = SOLVERS
    """That it can be done with, the default first; none where nothing is solved."""
    options: tuple[str, ...] | None = None
    """The fields of `Method.Inference` that it depends on; None: all."""
    labels: Labels = "either"
    """What the data must have."""

    def suits(self, card: Card) -> Support:
        """Whether the task can be done on data of this kind."""
        if card.has_masks and self.labels == "classes":
            return no(f"{card.name} has masks, not one class an image")
        if not card.has_masks and self.labels == "masks":
            return no(f"{card.name} has no masks")
        return YES


@dataclass(frozen=True)
class Classify(Does):
    task, verb, third_person = "cls", "classify", "classifies"
    labels: Labels = "classes"


@dataclass(frozen=True)
class Segment(Does):
    task, verb, third_person = "ss", "segment", "segments"
    labels: Labels = "masks"
    any_size: bool = False
    """Also images of other sizes than the card's."""


@dataclass(frozen=True)
class Synthesize(Does):
    task, verb, third_person = "sis", "synthesize", "synthesizes"


TASKS: tuple[type[Does], ...] = (Classify, Segment, Synthesize)
"""All there are, in the order in which they are shown."""
