"""Uncertainty of the figures: plain functions on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """Percentile bootstrap over n images.

    `statistic` maps weights [R, n] (how often each image is counted) to values [R]. The weights depend on n and the
    seed alone, so two methods evaluated on the same images share them.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    value = float(statistic(np.ones((1, n)))[0])
    weights = random.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    tail = (1 - confidence) / 2
    low, high = np.quantile(statistic(weights), [tail, 1 - tail])
    return Interval(value, float(low), float(high), "test images")


def jackknife(value: float, without: Sequence[float], confidence: float = 0.95) -> Interval:
    """Delete-group jackknife interval of `value`; `without[g]` is the figure without group g of equal groups.

    For Fréchet distances, where the bootstrap fails: resampling repeats images and so adds a bias that the interval
    takes for spread. The estimand is the expectation of the distance at this sample size.
    """
    deleted = np.asarray(without, dtype=np.float64)
    groups = len(deleted)
    if groups < 2:
        raise ValueError("a jackknife needs at least two groups")
    error = float(np.sqrt((groups - 1) / groups * np.square(deleted - deleted.mean()).sum()))
    half = float(stats.t.ppf((1 + confidence) / 2, groups - 1)) * error
    return Interval(value, value - half, value + half, "test images")


def over_seeds(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and t interval over runs that differ in the generation seed alone."""
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        raise ValueError("an interval over seeds needs at least two")
    half = float(stats.t.ppf((1 + confidence) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    return Interval(mean, mean - half, mean + half, "generation seeds")
