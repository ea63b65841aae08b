"""A metric over generation seeds, from its samples on the same images, one a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import statistics
from ..records import Missing
from ..statistics import Difference, Interval
from .sample import Sample

Array = np.ndarray
RESAMPLES = 1000


def interval_over_seeds(found: Sequence[Interval], samples: Sequence[Sample]) -> Interval:
    """The mean over seeds, from the interval of every seed; the first where all seeds agree on every image."""
    drawn = _resampled(samples)
    return found[0] if _agree(drawn) else statistics.interval_over_seeds(found, drawn)


def difference_over_seeds(ours: Sequence[Sample], theirs: Sequence[Sample], share: bool) -> Difference | Missing:
    """Ours minus theirs, paired by image and seed; or why it cannot be told.

    Samples are paired in their order; a side of one stands beside every seed of the other. `share`: the metric is a
    share of something.
    """
    pairs = max(len(ours), len(theirs))
    a, b = (list(side) * pairs if len(side) == 1 else list(side) for side in (ours, theirs))
    found: list[Difference] = []
    for x, y in zip(a, b, strict=True):
        gap = x.minus(y, share)
        if isinstance(gap, Missing):
            return gap
        found.append(gap)
    if pairs == 1:
        return found[0]
    drawn = _resampled(ours) - _resampled(theirs)
    return found[0] if _agree(drawn) else statistics.difference_over_seeds(found, drawn)


def mean_over_images(samples: Sequence[Sample], resamples: int) -> Array:
    """The mean over seeds for images drawn anew, [resamples]: seeds share the images that are drawn."""
    return np.asarray(_resampled(samples, resamples).mean(axis=0))


def _resampled(samples: Sequence[Sample], resamples: int = RESAMPLES) -> Array:
    return np.stack([sample.resampled(resamples) for sample in samples])


def _agree(drawn: Array) -> bool:
    """Whether it makes no difference which seed it is."""
    return not np.ptp(drawn, axis=0).any()
