"""What a reader of outputs is: told what will be asked for, it gives the outputs of ids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Wanted:
    """What will be asked for."""

    ids: tuple[str, ...]
    """Evaluated, in order."""
    split: tuple[str, ...]
    """Those of the whole split."""
    several: int = 1
    """Samples a label."""
    unpaired: bool = False
    """No output is of a certain id: they are taken in their own order."""


class Reader(ABC):
    """Gives the outputs of ids."""

    scale = ""
    """Of class scores: what they are."""

    @abstractmethod
    def read(self, ids: Sequence[str], draw: int) -> Array:
        """Class ids int64 [B, H, W], pixels float32 0-255 [B, C, H, W] or scores float32 [B, K]."""

    def agree(self, ids: Sequence[str], classes: Sequence[int]) -> None:  # noqa: B027 (few outputs say it)
        """Raise `InputError` where the outputs say that they are of other classes."""
