"""Are predicted probabilities honest? Brier score and calibration error of probabilities [N, K]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..statistics import GROUPS, Jackknifed, groups_of

Array = np.ndarray
BINS = 15


def brier(probabilities: Array, labels: Array) -> Array:
    """Squared error of the whole vector against the one-hot label, an image: [N] in [0, 2] (Brier 1950)."""
    return np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(axis=1)


def expected_calibration_error(probabilities: Array, labels: Array, ids: Sequence[str]) -> Jackknifed:
    """Mean gap between confidence and accuracy over 15 bins of equal width, weighted by size (Guo et al. 2017).

    Resampling would add a bias, as it does to Fréchet distances; the estimand is the expectation at this sample size.
    """
    confidence = probabilities.max(axis=1)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    bins = np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)  # open below, closed above
    dealt = groups_of(ids)
    groups = np.array([dealt[i] for i in ids])
    gaps, sizes = np.zeros((GROUPS, BINS)), np.bincount(groups, minlength=GROUPS)
    np.add.at(gaps, (groups, bins), gap)

    def error(keep: Array) -> float:
        return float(np.abs(gaps[keep].sum(axis=0)).sum() / sizes[keep].sum())

    return Jackknifed.of(sizes > 0, error, pairs=False)
