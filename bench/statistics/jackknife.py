"""The delete-group jackknife: figures of whole sets of samples, and what they are without each group of ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .intervals import Interval
from .tails import student_quantile

Array = np.ndarray
GROUPS = 20
UNGROUPED = "too few groups of images for a jackknife"


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
    """Second differences of neighbouring groups: `jackknife` takes their spread off its own."""

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
            return cls(Interval(value, float("-inf"), float("inf"), UNGROUPED), ())
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


def jackknife(
    value: float, without: Sequence[float], second: Sequence[float] = (), confidence: float = 0.95
) -> Interval:
    """Delete-group jackknife interval of `value`; `without[g]` is the figure without group g of equal groups.

    For Fréchet distances, where the bootstrap fails: resampling repeats images and so adds a bias that the interval
    takes for spread. The estimand is the expectation of the distance at this sample size. `second`: second differences,
    see `jackknife_error`.
    """
    error = jackknife_error(without, second)
    half = student_quantile((1 + confidence) / 2, jackknife_freedom(without, second)) * error
    return Interval(value, value - half, value + half, "test images")


def jackknife_error(without: Sequence[float], second: Sequence[float] = ()) -> float:
    """Standard error of a figure from what it is without each of G groups.

    A figure that is quadratic in its samples, as a distance of covariances in many dimensions nearly is, has its
    quadratic part counted twice. `second` takes it off (Efron and Stein 1981): for pairs of groups, here of neighbours,
    G s - (G - 1) (s_g + s_h) + (G - 2) s_gh, with s_gh the figure without both.
    """
    deleted = np.asarray(without, dtype=np.float64)
    groups = len(deleted)
    if groups < 2:
        raise ValueError("a jackknife needs at least two groups")
    variance = float((groups - 1) / groups * np.square(deleted - deleted.mean()).sum())
    if len(second) > 1:
        variance = max(variance - 0.5 * float(np.var(second, ddof=1)), variance / 4)
    return float(np.sqrt(variance))


def jackknife_freedom(without: Sequence[float], second: Sequence[float] = ()) -> float:
    """Degrees of freedom of that error: groups less one, fewer by the share of the variance that `second` takes off.

    What is taken off is as uncertain as what stays: where half goes, simulations call for about half of them.
    """
    kept = jackknife_error(without, second) / plain if (plain := jackknife_error(without)) else 1.0
    return float((len(without) - 1) * kept**2)
