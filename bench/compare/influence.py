"""What a single sample has to do with a figure: the figure of it alone, and what the whole figure is without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import metrics
from ..records import Missing
from .rows import Row


@dataclass(frozen=True)
class Influence:
    """Of some samples of a row, in their order."""

    alone: tuple[float | None, ...]
    """The metric of each sample alone, of the first seed; None where it has none."""
    moves: tuple[float, ...]
    """The metric of all samples less that of all others (leave one out): what it adds; mean over seeds."""


def influence(metric: str, row: Row, ids: Sequence[str]) -> Influence | Missing:
    """Of the samples `ids` on a metric of a row; or why it cannot be told."""
    samples = metrics.samples_of(metric, row.cells)
    if isinstance(samples, Missing):
        return samples
    places = {own: place for place, own in enumerate(samples[0].ids)}
    if lacking := [own for own in ids if own not in places]:
        return Missing(f"{metric} is not known of {lacking[0]} alone")
    where = [places[own] for own in ids]
    one = np.eye(len(places))[where]  # [ids, samples]
    with np.errstate(invalid="ignore", divide="ignore"):
        alone = samples[0].at(one)
        moves = np.mean([sample.value - sample.at(1 - one) for sample in samples], axis=0)
    return Influence(
        tuple(float(value) if np.isfinite(value) else None for value in alone),
        tuple(float(value) if np.isfinite(value) else 0.0 for value in moves),
    )
