"""Uncertainty of the figures and of their differences: plain functions on arrays.

Nothing here knows of methods or metrics. Every interval is of 95 % unless told otherwise; how often each really covers
is measured by `symmbench.bench.checks.coverage`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

Array = np.ndarray


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; `covers` says which source of chance the interval speaks of."""

    value: float
    low: float
    high: float
    covers: str


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a share (Wilson 1927)."""
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} is no share")
    result = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Interval(successes / n, float(result.low), float(result.high), "test images")


def bootstrap(
    statistic: Callable[[Array], Array], n: int, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Bias-corrected percentile bootstrap over n images (Efron 1981).

    `statistic` maps weights [R, n] (how often each image is counted) to values [R]. The weights depend on n and the
    seed alone, so two methods evaluated on the same images share them. A mean IoU over rare classes is too low for
    few images, and resampling makes it lower again; plain percentiles would count that bias twice.
    """
    value = float(statistic(np.ones((1, n)))[0])
    values = resampled(statistic, n, resamples, seed)
    below = (np.sum(values < value) + np.sum(values == value) / 2) / resamples
    bias = stats.norm.ppf(np.clip(below, 0.5 / resamples, 1 - 0.5 / resamples))
    tail = stats.norm.ppf((1 + confidence) / 2)
    low, high = np.quantile(values, stats.norm.cdf([2 * bias - tail, 2 * bias + tail]))
    return Interval(value, float(low), float(high), "test images")


def resampled(statistic: Callable[[Array], Array], n: int, resamples: int, seed: int = 0) -> Array:
    """The statistic of n images drawn with replacement, [resamples]; the draws depend on the numbers alone."""
    counts = _counts(n, resamples, seed)
    parts = [statistic(counts[i : i + 250].astype(np.float64)) for i in range(0, resamples, 250)]
    return np.concatenate(parts, axis=-1)


@lru_cache(maxsize=4)
def _counts(n: int, resamples: int, seed: int) -> Array:
    """How often each image is drawn: [resamples, n], small integers."""
    random = np.random.Generator(np.random.Philox(key=seed))
    parts = [random.multinomial(n, np.full(n, 1 / n), size=min(250, resamples - i)) for i in range(0, resamples, 250)]
    return np.concatenate([part.astype(np.uint16) for part in parts])


def jackknife(
    value: float, without: Sequence[float], second: Sequence[float] = (), confidence: float = 0.95
) -> Interval:
    """Delete-group jackknife interval of `value`; `without[g]` is the figure without group g of equal groups.

    For Fréchet distances, where the bootstrap fails: resampling repeats images and so adds a bias that the interval
    takes for spread. The estimand is the expectation of the distance at this sample size. `second`: second differences,
    see `jackknife_error`.
    """
    error = jackknife_error(without, second)
    half = float(stats.t.ppf((1 + confidence) / 2, jackknife_freedom(without, second))) * error
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


def over_seeds(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and t interval over runs that differ in the generation seed alone."""
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        raise ValueError("an interval over seeds needs at least two")
    half = float(stats.t.ppf((1 + confidence) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    return Interval(mean, mean - half, mean + half, "generation seeds")


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

    def within(self, floor: float) -> bool:
        """Whether two one-sided tests at 5 % (Schuirmann 1987) put the difference inside +-`floor`: equivalence."""
        return -floor < self.inner_low and self.inner_high < floor


def paired_bootstrap(
    statistic: Callable[[Array], Array], n: int, *, resamples: int = 2000, seed: int = 0
) -> Difference:
    """Difference of two figures of the same n images; both are resampled with the same weights.

    `statistic` maps weights [R, n] to differences [R]. Percentile interval; the p value is that of a normal with the
    bootstrap's standard error, because counting resamples cannot tell small ones apart.
    """
    value = float(statistic(np.ones((1, n)))[0])
    drawn = resampled(statistic, n, resamples, seed)
    low, inner_low, inner_high, high = np.quantile(drawn, [0.025, 0.05, 0.95, 0.975])
    error = float(drawn.std(ddof=1))
    p = float(2 * stats.norm.sf(abs(value) / error)) if error > 0 else float(value == 0)
    return Difference(value, float(low), float(high), float(inner_low), float(inner_high), error, p, "test images")


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
    return _student(value, jackknife_error(without.tolist(), list(second)), freedom, "test images")


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
    ends = {c: stats.norm.ppf((1 + c) / 2) * error for c in (0.95, 0.9)}
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
    return _student(float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap))), len(gap) - 1, "generation seeds")


def welch(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Difference of two means of unpaired values with spreads of their own (Welch 1947)."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(len(a), len(b)) < 2:
        raise ValueError("an interval needs at least two values on either side")
    parts = [float(v.var(ddof=1) / len(v)) for v in (a, b)]
    error = float(np.sqrt(sum(parts)))
    bottom = sum(part**2 / (len(v) - 1) for part, v in zip(parts, (a, b), strict=True))
    freedom = sum(parts) ** 2 / bottom if bottom else len(a) + len(b) - 2
    return _student(float(a.mean() - b.mean()), error, freedom, "repeats")


def _student(value: float, error: float, freedom: float, covers: str) -> Difference:
    outer, inner = (float(stats.t.ppf(q, freedom)) * error for q in (0.975, 0.95))
    p = float(2 * stats.t.sf(abs(value) / error, freedom)) if error > 0 else float(value == 0)
    return Difference(value, value - outer, value + outer, value - inner, value + inner, error, p, covers)


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for testing all of them (Holm 1979)."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = largest
    return [float(v) for v in adjusted]


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a figure by their source; None where the runs cannot tell."""

    images: float | None
    """Another draw of test images."""
    generation: float | None
    """Another seed of the generation, weights and images the same."""
    training: float | None
    """Another training run, everything else the same."""


def spread(values: Sequence[Sequence[float]], image_error: float | None = None) -> Spread:
    """Split the variance of a figure: `values[training run][generation seed]` on the same images.

    One-way random effects by the method of moments: the mean square between training runs holds the generation's
    share too, which is taken off; a negative rest is zero.
    """
    runs = [np.asarray(v, dtype=np.float64) for v in values]
    several = [v for v in runs if len(v) > 1]
    within = None
    if several:
        freedom = sum(len(v) - 1 for v in several)
        within = float(sum(np.square(v - v.mean()).sum() for v in several) / freedom)
    between = None
    if len(runs) > 1:
        if within is None:
            between = float(np.var([v.mean() for v in runs], ddof=1))  # holds the generation's share
        else:
            sizes = np.array([len(v) for v in runs])
            n0 = (sizes.sum() - np.square(sizes).sum() / sizes.sum()) / (len(runs) - 1)
            grand = float(np.concatenate(runs).mean())
            mean_square = sum(len(v) * (v.mean() - grand) ** 2 for v in runs) / (len(runs) - 1)
            between = max(0.0, float((mean_square - within) / n0))
    root = [None if v is None else float(np.sqrt(v)) for v in (within, between)]
    return Spread(image_error, root[0], root[1])
