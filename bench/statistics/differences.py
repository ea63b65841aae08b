"""Differences of two figures, paired by image where both were measured on the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import stats

from .intervals import resampled
from .jackknife import jackknife_error, jackknife_freedom
from .ratios import MeanRatio
from .tails import normal_above, normal_quantile, student_above, student_quantile

Array = np.ndarray


@dataclass(frozen=True)
class Difference:
    """A paired difference a - b with its 95 % interval and its p value for "there is none"."""

    value: float
    low: float
    high: float
    inner_low: float
    """Of the 90 % interval: two one-sided tests at 5 %."""
    inner_high: float
    error: float
    """Standard error."""
    p: float
    covers: str
    freedom: float | None = None
    """Degrees of freedom of the error; None: a normal."""
    same: bool = False
    """No image tells the two apart. Other images may: the interval speaks of those."""

    def within(self, floor: float) -> float:
        """p of two one-sided tests for a difference of `floor` or more to either side (Schuirmann 1987): equivalence.

        Below 5 % where the 90 % interval lies inside +-`floor`.
        """
        sides = (floor - self.value, self.inner_high - self.value), (floor + self.value, self.value - self.inner_low)
        return max(self._beyond(room, half) for room, half in sides)

    def _beyond(self, room: float, half: float) -> float:
        """p of one side: the room that is left to the floor, against half of the 90 % interval."""
        if half <= 0:
            return float(room <= 0)
        freedom = inf if self.freedom is None else self.freedom
        return student_above(room / half * student_quantile(0.95, freedom), freedom)


def paired_bootstrap(
    statistic: Callable[[Array], Array], n: int, *, resamples: int = 2000, seed: int = 0
) -> Difference:
    """Difference of two figures of the same n images; both are resampled with the same weights.

    `statistic` maps weights [R, n] to differences [R]. Percentile interval; the p value is that of a normal with the
    bootstrap's standard error, because counting resamples cannot tell small ones apart.
    """
    return paired_resamples(float(statistic(np.ones((1, n)))[0]), resampled(statistic, n, resamples, seed))


def paired_resamples(value: float, drawn: Array) -> Difference:
    """The same from what it is when the images are drawn anew, [R]."""
    low, inner_low, inner_high, high = np.quantile(drawn, [0.025, 0.05, 0.95, 0.975])
    error = float(drawn.std(ddof=1))
    p = 2 * normal_above(abs(value) / error) if error > 0 else float(value == 0)
    ends = float(low), float(high), float(inner_low), float(inner_high)
    return Difference(value, *ends, error, p, "test images", same=error == value == 0)


def paired_jackknife(
    value: float,
    without_a: Sequence[float],
    without_b: Sequence[float],
    second_a: Sequence[float] = (),
    second_b: Sequence[float] = (),
) -> Difference:
    """Difference of two figures from what each is without the same groups of images; a t interval."""
    without = np.asarray(without_a, dtype=np.float64) - np.asarray(without_b, dtype=np.float64)
    both = len(second_a) == len(second_b) > 0
    second = np.asarray(second_a, dtype=np.float64) - np.asarray(second_b, dtype=np.float64) if both else ()
    freedom = jackknife_freedom(without.tolist(), list(second))
    return from_error(value, jackknife_error(without.tolist(), list(second)), freedom, "test images")


def paired_ratios(gap: MeanRatio) -> Difference:
    """From the difference of two means of ratios on the same images; a t interval, widened to hold it."""
    return from_error(gap.value, gap.error, gap.freedom, "test images", gap.centre)


def paired_shares(first: Array, second: Array) -> Difference:
    """Difference of two shares on the same images, from who is right where: bool [n] each.

    The adjusted Wald interval of Bonett and Price (2012), which adds one to each kind of disagreement; p by McNemar's
    exact test.
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape or not len(a):
        raise ValueError(f"shares of {len(a)} and {len(b)} images are not paired")
    n, only_a, only_b = len(a), int((a & ~b).sum()), int((b & ~a).sum())
    p_a, p_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    error = float(np.sqrt((p_a + p_b - (p_a - p_b) ** 2) / (n + 2)))
    ends = {c: normal_quantile((1 + c) / 2) * error for c in (0.95, 0.9)}
    centre = p_a - p_b
    return Difference(
        (only_a - only_b) / n,
        max(centre - ends[0.95], -1.0),
        min(centre + ends[0.95], 1.0),
        max(centre - ends[0.9], -1.0),
        min(centre + ends[0.9], 1.0),
        error,
        mcnemar(only_a, only_b),
        "test images",
        same=only_a == only_b == 0,
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p value that images which only one of two methods gets right fall to either alike."""
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b).pvalue)


def over_seed_pairs(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Difference of two figures over runs paired by their seed; a t interval."""
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    if len(gap) < 2:
        raise ValueError("an interval over seeds needs at least two")
    return from_error(float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap))), len(gap) - 1, "generation seeds")


def welch(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Difference of two means of unpaired values with spreads of their own (Welch 1947)."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(len(a), len(b)) < 2:
        raise ValueError("an interval needs at least two values on either side")
    parts = [float(v.var(ddof=1) / len(v)) for v in (a, b)]
    error = float(np.sqrt(sum(parts)))
    bottom = sum(part**2 / (len(v) - 1) for part, v in zip(parts, (a, b), strict=True))
    freedom = sum(parts) ** 2 / bottom if bottom else len(a) + len(b) - 2
    return from_error(float(a.mean() - b.mean()), error, freedom, "repeats")


def from_error(value: float, error: float, freedom: float, covers: str, centre: float | None = None) -> Difference:
    """From its standard error, by Student's t. `centre`: the value less its bias; the intervals about it are widened to
    hold the value."""
    about = value if centre is None else centre
    outer, inner = (student_quantile(q, freedom) * error for q in (0.975, 0.95))
    low, inner_low = (min(about - half, value) for half in (outer, inner))
    high, inner_high = (max(about + half, value) for half in (outer, inner))
    p = 2 * student_above(abs(about) / error, freedom) if error > 0 else float(about == 0)
    ends = low, high, inner_low, inner_high
    return Difference(value, *ends, error, p, covers, freedom, same=error == value == 0)
