"""How frequent each class is in a split: in images, or in pixels of masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..symmflow.pixels import IGNORE
from .lazy import FileSplit
from .split import Array, Split

TOGETHER = 64
"""Labels that are looked at before progress is told."""


@dataclass(frozen=True)
class Frequency:
    """Of a class, or of void."""

    name: str
    count: int
    """Images; of masks, pixels, in files at the masks' own size."""
    share: float
    """Of all that was counted, in [0, 1]."""
    images: int
    """In how many it is."""


def spread(n: int, count: int) -> Array:
    """At most `count` positions of 0 to n - 1, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, count)).round().astype(np.int64))


def frequencies(
    split: Split, at_most: int, report: Callable[[str, int, int], None] | None = None
) -> tuple[list[Frequency], int]:
    """Of every class, then of void where there is some; and of how many samples, evenly spread over the split.

    Of masks `at_most` are read; single classes are all counted.
    """
    card = split.card
    positions = spread(len(split), at_most if card.has_masks else len(split))
    totals, present = np.zeros(IGNORE + 1, dtype=np.int64), np.zeros(IGNORE + 1, dtype=np.int64)
    for start in range(0, len(positions), TOGETHER):
        block = positions[start : start + TOGETHER]
        labels = [split.label(int(i)) for i in block] if isinstance(split, FileSplit) else split.batch(block).labels
        for label in labels:
            counts = np.bincount(np.asarray(label).ravel(), minlength=IGNORE + 1)
            totals += counts
            present += counts > 0
        if report:
            report(split.manifest.split, start + len(block), len(positions))
    named = [*enumerate(card.classes), *([(IGNORE, "void")] if totals[IGNORE] else [])]
    everything = totals.sum()
    found = [Frequency(name, int(totals[k]), float(totals[k] / everything), int(present[k])) for k, name in named]
    return found, len(positions)
