"""Where the chance in a figure comes from: the test images, the generation seed, the training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

from ...reports.block import Block
from ...symmflow.errors import InputError, unknown
from .. import metrics, statistics
from ..records import Missing
from ..statistics import Spread
from . import text
from .naming import recipe
from .rows import Row
from .tables import Table


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
    remarks: list[str] = field(default_factory=list)
    """Rows whose evidence tells nothing of the images, and why."""


def sources(table: Table, metric: str) -> Sources:
    """Standard deviations of a metric by source, for every recipe and step count of a table.

    Training runs are checkpoints of one recipe. The share of the test images is the standard error of a single record,
    averaged over records.
    """
    if metric not in table.metrics:
        raise unknown("metric", metric, table.metrics)
    if table.stamp:
        raise InputError("rows of several protocols have no spread in common; choose one with --protocol.")
    runs: dict[tuple[object, ...], list[Row]] = {}
    for row in table.rows:
        if metric in row.metrics:
            r = row.record
            same = (r.method, r.version, recipe(r), r.steps, r.solver, str(r.options), r.precision)
            runs.setdefault(same, []).append(row)
    made = Sources(table, metric)
    for rows in runs.values():
        values = [[cell.record.metrics[metric].value for cell in row.cells] for row in rows]
        samples = [metrics.sample_of(metric, cell) for row in rows for cell in row.cells]
        lacking = dict.fromkeys(str(sample) for sample in samples if isinstance(sample, Missing))
        made.remarks += [f"{rows[0].at}: {why}" for why in lacking]
        told = [sample.error for sample in samples if not isinstance(sample, Missing)]
        errors = [error for error in told if error is not None]
        image_error = float(np.sqrt(np.mean(np.square(errors)))) if errors else None
        mean = float(np.mean([row.metrics[metric].value for row in rows]))
        spread = statistics.spread(values, image_error)
        made.sources.append(Source(rows[0], mean, len(rows), sum(map(len, values)), spread))
    return made


def block(found: Sources) -> Block:
    """Standard deviations of a metric by their source."""
    rows, data = [], []
    for s in found.sources:
        unit = s.row.metrics[found.metric].unit
        parts = [s.spread.images, s.spread.generation, s.spread.training]
        shown = ["–" if part is None else text.fine(part, unit) for part in parts]
        rows.append([s.row.at, text.fine(s.value, unit), *shown, str(s.trainings), str(s.seeds)])
        data.append(
            {
                "protocol": found.table.protocol,
                "metric": found.metric,
                "method": s.row.method,
                "recipe": recipe(s.row.record),
                "steps": s.row.steps,
                "value": s.value,
                "trainings": s.trainings,
                "seeds": s.seeds,
                **asdict(s.spread),
            }
        )
    headers = ["row", f"{found.metric}, mean", "test images", "generation", "training", "trainings", "seeds"]
    notes = [
        "Standard deviations, other things equal; a dash: it takes two seeds (--seeds 0,1) or two trainings to tell.",
        *(f"{remark}." for remark in found.remarks),
    ]
    return Block("spread", f"{found.table.heading}, sources of chance", headers, rows, data, notes)
