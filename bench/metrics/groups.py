"""Delete-group jackknife: figures of whole sets of samples, and what they are without each group."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..statistics.intervals import Interval, jackknife

Array = np.ndarray
GROUPS = 20


def groups_of(ids: Iterable[str]) -> dict[str, int]:
    """The jackknife group of every sample, dealt in the order of the ids' hashes, so that groups are equally large.

    Groups of unequal size would mix the bias of few samples into what is taken for spread.
    """
    order = sorted(set(ids), key=lambda i: hashlib.blake2b(i.encode(), digest_size=8).digest())
    return {sample_id: rank % GROUPS for rank, sample_id in enumerate(order)}


@dataclass(frozen=True)
class Jackknifed:
    """A figure with its interval, and what paired differences need."""

    interval: Interval
    without: tuple[float, ...]
    """The figure without each group."""
    second: tuple[float, ...] = ()
    """Second differences of neighbouring groups: `statistics.jackknife` takes their spread off its own."""

    @classmethod
    def of(cls, present: Array, measure: Callable[[Array], float], *, pairs: bool) -> Jackknifed:
        """`measure(keep)`: the figure of the groups where `keep` [GROUPS] is true; `present`: those to leave out.

        `pairs`: also leave out two at a time, for figures that are far from linear in their samples.
        """

        def leaving(*out: int) -> float:
            keep = np.ones(GROUPS, dtype=bool)
            keep[list(out)] = False
            return measure(keep)

        value, groups = leaving(), np.flatnonzero(present).tolist()
        g = len(groups)
        if g < 4:
            return cls(Interval(value, float("-inf"), float("inf"), "nothing"), ())
        without = np.array([leaving(a) for a in groups])
        second = np.empty(0)
        if pairs:
            both = np.array([leaving(a, b) for a, b in zip(groups, groups[1:] + groups[:1], strict=True)])
            second = g * value - (g - 1) * (without + np.roll(without, -1)) + (g - 2) * both
        return cls.from_values(value, without, second)

    @classmethod
    def from_values(cls, value: float, without: Array, second: Array) -> Jackknifed:
        interval = jackknife(value, without.tolist(), second.tolist())
        return cls(interval, tuple(without.tolist()), tuple(second.tolist()))
