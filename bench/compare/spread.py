"""Where the chance in a figure comes from: the test images, the generation seed, the training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...symmflow.errors import InputError, unknown
from .. import statistics
from ..metrics.sample import Groups, Stored, sample
from ..statistics import Spread
from .rows import Row, Table


@dataclass(frozen=True)
class Source:
    """A method's recipe at a step count, over its training runs and seeds."""

    row: Row
    """Of the first training run."""
    value: float
    """Mean over training runs and seeds."""
    trainings: int
    seeds: int
    """In all, over the training runs."""
    spread: Spread


@dataclass
class Sources:
    """The rows of a table by one metric."""

    table: Table
    metric: str
    sources: list[Source] = field(default_factory=list)


def sources(table: Table, stored: Sequence[Stored], metric: str) -> Sources:
    """Standard deviations of a metric by source, for every recipe and step count of a table.

    Training runs are checkpoints of one recipe. The share of the test images is the standard error of a single record,
    averaged over records.
    """
    if metric not in table.metrics:
        raise unknown("metric", metric, table.metrics)
    if table.stamp:
        raise InputError("rows of several protocols have no spread in common; choose one with --protocol.")
    by_key = {record.key: (record, folder) for record, folder in stored}
    runs: dict[tuple[object, ...], list[Row]] = {}
    for row in table.rows:
        if metric in row.metrics:
            runs.setdefault(
                (row.method, row.recipe, row.steps, row.solver, str(row.options), row.precision), []
            ).append(row)
    made = Sources(table, metric)
    for rows in runs.values():
        cells = [[by_key[key] for key in row.keys] for row in rows]
        values = [[record.metrics[metric].value for record, _ in cell] for cell in cells]
        errors = [e for cell in cells for one in cell if (e := _error(metric, one)) is not None]
        image_error = float(np.sqrt(np.mean(np.square(errors)))) if errors else None
        made.sources.append(
            Source(
                rows[0],
                float(np.mean([np.mean(v) for v in values])),
                len(rows),
                sum(map(len, values)),
                statistics.spread(values, image_error),
            )
        )
    return made


def _error(metric: str, stored: Stored) -> float | None:
    """Standard error of a record's figure over test images."""
    found = sample(metric, [stored])
    if isinstance(found, str):
        return None
    if isinstance(found, Groups):
        return statistics.jackknife_error(found.without.tolist(), found.second.tolist())
    return float(statistics.resampled(found.at, len(found.ids), 1000).std(ddof=1))
