"""Intervals of single figures, of 95 % unless told otherwise. How often each really covers is simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

Array = np.ndarray


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; `covers` says which source of chance the interval speaks of.

    An endless interval is none: `covers` then says why.
    """

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
    seed alone, so two methods evaluated on the same images share them. A figure that is too low for few images is
    lower again in their resamples; plain percentiles would count that bias twice.
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
