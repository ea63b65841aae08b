"""Quality against cost: which rows no other row beats on both, and which is the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...reports.block import Block
from ...symmflow.errors import InputError, unknown
from .. import metrics
from ..records import Missing
from . import text
from .floors import Floors, floor_of
from .rows import Row
from .tables import Table

Array = np.ndarray
RESAMPLES = 1000
COSTS = ("nfe", "seconds")
LEFT_OUT = "is left out"


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


def front(table: Table, metric: str, floors: Floors, within: float | None = None) -> Front:
    """The Pareto front of a metric against network evaluations and against seconds, with bootstrap frequencies.

    Resamples share their weights between rows. `within`: epsilon; default: the metric's floor. Seconds are those of
    the run, so only rows of one machine should stand in one table.
    """
    if metric not in table.metrics:
        raise unknown("metric", metric, table.metrics)
    if table.stamp:
        raise InputError("rows of several protocols have no common front; choose one with --protocol.")
    remarks: list[str] = []
    drawn = _resampled(table, metric, remarks)
    if not drawn:
        raise InputError(f"no row of {table.title} has a cost and evidence for {metric}; run cells again with --force.")
    rows = [row for row, _ in drawn]
    first = rows[0].metrics[metric]
    sign = 1 if first.better == "higher" else -1
    quality = np.array([row.metrics[metric].value for row in rows])
    best = quality.max() if sign > 0 else quality.min()
    epsilon = floor_of(metric, floors).of(best) if within is None else within
    if first.unit == "fraction" and epsilon >= 1:
        raise InputError(f"{metric} is a share of 1, and --within {epsilon:g} takes every row; one point is 0.01.")
    costs = _costs(table, rows, remarks)
    resampled = sign * np.array([values for _, values in drawn])  # [rows, RESAMPLES], higher is better
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


def _resampled(table: Table, metric: str, remarks: list[str]) -> list[tuple[Row, Array]]:
    """The rows that were measured on the same images, each with its figure over images drawn anew: [RESAMPLES]."""
    found: list[tuple[Row, Array]] = []
    ids = None
    for row in table.rows:
        if metric not in row.metrics:
            continue
        if row.nfe is None:
            remarks.append(f"{row.at} {LEFT_OUT}: nobody knows what it cost")
            continue
        samples = metrics.samples_of(metric, row.cells)
        if not isinstance(samples, Missing) and ids not in (None, samples[0].ids):
            samples = Missing("the evidence is not of the same images")
        if isinstance(samples, Missing):
            remarks.append(f"{row.at} {LEFT_OUT}: {samples}")
            continue
        ids = samples[0].ids
        found.append((row, metrics.mean_over_images(samples, RESAMPLES)))
    return found


def _costs(table: Table, rows: Sequence[Row], remarks: list[str]) -> dict[str, Array]:
    costs = {}
    for name in COSTS:
        values = [table.cost(row, name) for row in rows]
        if None in values:
            remarks.append(f"no front against {name}: not every row has it, measured under the same conditions")
        else:
            costs[name] = np.array(values, dtype=float)
    return costs


def undominated(quality: Array, cost: Array) -> Array:
    """Whether each row is beaten by none: bool [rows, R]. quality: [rows, R], higher is better; cost: [rows]."""
    on = np.ones(quality.shape, dtype=bool)
    for i, price in enumerate(cost):
        cheaper, as_cheap = (np.fmax.reduce(quality[some], initial=-np.inf) for some in (cost < price, cost == price))
        on[i] = ~((cheaper >= quality[i]) | (as_cheap > quality[i]))
    return on


def cheapest(quality: Array, cost: Array, epsilon: float) -> Array:
    """The cheapest row within epsilon of the best, the better one of two as cheap: [R]."""
    enough = quality >= quality.max(axis=0) - epsilon
    prices = np.where(enough, cost[:, None], np.inf)
    return np.where(prices == prices.min(axis=0), quality, -np.inf).argmax(axis=0)


def block(front: Front) -> Block:
    """The rows by quality and cost, and which of them are on the front."""
    costs = list(front.choice)
    figure = front.points[0].row.metrics[front.metric]
    rows, data = [], []
    for p in front.points:
        row = p.row
        seconds = front.table.cost(row, "seconds")
        cells = [row.at, text.figure(row.metrics[front.metric]), text.number(row.nfe), text.number(seconds)]
        chosen = {c: front.choice[c] is row for c in costs}
        for cost in costs:
            cells.append(f"{_yes(p.on_front[cost])} ({p.frequency[cost]:.0%})")
            cells.append(f"{_yes(chosen[cost])} ({p.cheapest[cost]:.0%})")
        rows.append(cells)
        data.append(
            {
                "protocol": front.table.protocol,
                "metric": front.metric,
                "epsilon": front.epsilon,
                "method": row.method,
                "steps": row.steps,
                "value": p.value,
                "nfe": row.nfe,
                "seconds": seconds,
                "on_front": p.on_front,
                "frequency": p.frequency,
                "chosen": chosen,
                "chosen_frequency": p.cheapest,
            }
        )
    headers = ["row", f"{front.metric} {'↑' if figure.better == 'higher' else '↓'}", "NFE", "s / image"]
    headers += [h for cost in costs for h in (f"front by {cost}", f"cheapest by {cost}")]
    notes = [
        *[f"{remark}." for remark in front.remarks],
        "front: no other row is as good and as cheap; in brackets how often, over test images drawn anew.",
        f"cheapest: the cheapest row within {text.margin(front.epsilon, figure.unit)} of the best (--within).",
        "seconds are of the runs themselves: only those of one machine, otherwise idle, can be compared.",
    ]
    return Block("fronts", f"{front.table.heading}, quality against cost", headers, rows, data, notes)


def _yes(true: bool) -> str:
    return "yes" if true else "no"
