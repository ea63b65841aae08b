"""How far the masks of a method change with the seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ... import statistics
from ...records import Missing, Stored
from ...statistics import Interval
from .claim import Answer, Cells, at, percent

MOVED = 0.01
"""Masks change with the seed if more than this share of their pixels does."""


def moves(method: str) -> Callable[[Cells], Answer | Missing]:
    """Whether more than `MOVED` of a method's pixels change between two seeds."""

    def judge(cells: Cells) -> Answer | Missing:
        found = changed(cells[method])
        if isinstance(found, Missing):
            return found
        share, steps, seeds = found
        verdict = "holds" if share.low > MOVED else "does not hold" if share.high < MOVED else "cannot be told"
        said = f"between two seeds {percent(share)} % of the pixels change at {steps} steps; the bar is {MOVED:.0%}"
        return Answer(verdict, said, seeds)

    return judge


def stays(method: str) -> Callable[[Cells], Answer | Missing]:
    """Whether not one pixel of a method's masks changes between two seeds."""

    def judge(cells: Cells) -> Answer | Missing:
        found = changed(cells[method])
        if isinstance(found, Missing):
            return found
        share, steps, seeds = found
        said = f"between two seeds {share.value * 100:.3g} % of the pixels change at {steps} steps"
        return Answer("holds" if share.value == 0 else "does not hold", said, seeds)

    return judge


def changed(cells: Sequence[Stored]) -> tuple[Interval, int, list[Stored]] | Missing:
    """The share of pixels that differ between a method's first two seeds at its most steps, over the images."""
    most = max(cell.record.steps or 0 for cell in cells)
    seeds = sorted(at(cells, most), key=lambda cell: cell.record.seed)[:2]
    if len(seeds) < 2:
        return Missing("run it with two seeds or more (--seeds 0,1)")
    pairs = zip(*(cell.evidence.masks() for cell in seeds), strict=True)
    shares = np.array([np.mean(first != second) for (_, first), (_, second) in pairs])
    return statistics.bootstrap(lambda w: w @ shares / w.sum(axis=-1), len(shares)), most, seeds
