"""The variance of a figure by its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
