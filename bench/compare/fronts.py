"""Quality against cost: which rows no other row beats on both, and which is the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...symmflow.errors import InputError, unknown
from .. import statistics
from ..metrics.sample import Stored, family, sample
from .difference import Floor
from .rows import Row, Table

Array = np.ndarray
RESAMPLES = 1000
COSTS = ("nfe", "seconds")


@dataclass(frozen=True)
class Point:
    """A row's quality, its costs, and how often it is on the front when the test images are drawn anew."""

    row: Row
    value: float
    on_front: Mapping[str, bool]
    """By cost: `nfe`, `seconds`; without a cost that was not measured."""
    frequency: Mapping[str, float]
    """Share of the resamples in which it is on the front."""
    cheapest: Mapping[str, float]
    """Share of the resamples in which it is the cheapest row within epsilon of the best."""


@dataclass
class Front:
    """The rows of a table by one metric."""

    table: Table
    metric: str
    epsilon: float
    """How much worse than the best is good enough, in units of the metric."""
    points: list[Point]
    choice: dict[str, Row]
    """The cheapest row within epsilon of the best, by cost."""
    remarks: list[str] = field(default_factory=list)


def front(
    table: Table, stored: Sequence[Stored], metric: str, floors: Mapping[str, Floor], within: float | None = None
) -> Front:
    """The Pareto front of a metric against network evaluations and against seconds, with bootstrap frequencies.

    Resamples share their weights between rows. `within`: epsilon; default: the metric's floor. Seconds are those of
    the run, so only rows of one machine should stand in one table.
    """
    if metric not in table.metrics:
        raise unknown("metric", metric, table.metrics)
    if table.stamp:
        raise InputError("rows of several protocols have no common front; choose one with --protocol.")
    by_key = {record.key: (record, folder) for record, folder in stored}
    rows, drawn, remarks, ids = [], [], [], None
    for row in table.rows:
        if metric not in row.metrics:
            continue
        found = sample(metric, [by_key[key] for key in row.keys])
        if isinstance(found, str) or ids not in (None, found.ids):
            reason = found if isinstance(found, str) else "the evidence is not of the same images"
            remarks.append(f"{row.method} at {row.steps or 'no'} steps is left out: {reason}")
            continue
        ids = found.ids
        rows.append(row)
        drawn.append(statistics.resampled(found.at, len(ids), RESAMPLES))
    if not rows:
        raise InputError(f"no row of {table.title} has evidence for {metric}; run the cells again with --force.")
    higher = rows[0].metrics[metric].better == "higher"
    quality = np.array([row.metrics[metric].value for row in rows])
    best = quality.max() if higher else quality.min()
    epsilon = floors.get(family(metric), Floor(absolute=0.0)).of(best) if within is None else within
    if rows[0].metrics[metric].unit == "fraction" and epsilon >= 1:
        raise InputError(f"{metric} is a share of 1, and --within {epsilon:g} takes every row; one point is 0.01.")
    sign = 1 if higher else -1
    costs = {}
    for name in COSTS:
        values = [getattr(row, name) for row in rows]
        if None in values:
            remarks.append(f"no front against {name}: not every row has it")
        else:
            costs[name] = np.array(values, dtype=float)
    resampled = sign * np.array(drawn)  # [rows, RESAMPLES], higher is better
    fronts = {c: undominated(sign * quality[:, None], v)[:, 0] for c, v in costs.items()}
    shares = {c: undominated(resampled, v).mean(axis=1) for c, v in costs.items()}
    chosen = {c: cheapest(sign * quality[:, None], v, epsilon)[0] for c, v in costs.items()}
    picked = {c: cheapest(resampled, v, epsilon) for c, v in costs.items()}
    points = [
        Point(
            row,
            float(quality[i]),
            {c: bool(on[i]) for c, on in fronts.items()},
            {c: float(share[i]) for c, share in shares.items()},
            {c: float((who == i).mean()) for c, who in picked.items()},
        )
        for i, row in enumerate(rows)
    ]
    return Front(table, metric, float(epsilon), points, {c: rows[i] for c, i in chosen.items()}, remarks)


def undominated(quality: Array, cost: Array) -> Array:
    """Whether each row is beaten by none: bool [rows, R]. quality: [rows, R], higher is better; cost: [rows]."""
    on = np.ones(quality.shape, dtype=bool)
    for i in range(len(cost)):
        for j in range(len(cost)):
            as_good, as_cheap = quality[j] >= quality[i], cost[j] <= cost[i]
            better = (quality[j] > quality[i]) | (cost[j] < cost[i])
            on[i] &= ~(as_good & as_cheap & better)
    return on


def cheapest(quality: Array, cost: Array, epsilon: float) -> Array:
    """The cheapest row within epsilon of the best, the better one of two as cheap: [R]."""
    enough = quality >= quality.max(axis=0) - epsilon
    order = np.array([np.lexsort((-quality[:, r], cost)) for r in range(quality.shape[1])])
    return np.array([next(i for i in order[r] if enough[i, r]) for r in range(quality.shape[1])])
