"""The headline figures of tables over inference steps."""

from __future__ import annotations

from collections.abc import Sequence

from ...reports.curves import Curve, Panel, Point
from ...symmflow.errors import InputError
from .. import metrics
from .rows import Row
from .tables import Table


def panels(tables: Sequence[Table]) -> list[Panel]:
    """A panel a headline metric and table, a curve a method."""
    if not (wanted := headlines(tables)):
        raise InputError("there is nothing to plot: no record has a headline metric; run more cells.")
    return [panel(table, name) for table, name in wanted]


def headlines(tables: Sequence[Table]) -> list[tuple[Table, str]]:
    """The tables and metrics that are drawn."""
    return [(t, name) for t in tables for name in t.metrics if (m := metrics.known(name)) is not None and m.headline]


def panel(table: Table, metric: str) -> Panel:
    """A curve a method, over whatever its points cost."""
    rows = [row for row in table.rows if metric in row.metrics]
    share = rows[0].metrics[metric].unit == "fraction"
    curves = []
    for name in dict.fromkeys(row.name for row in rows):
        mine = sorted((row for row in rows if row.name == name), key=lambda row: row.steps or 0)
        curves.append(Curve(name, [_point(table, row, metric, 100 if share else 1) for row in mine]))
    return Panel(f"{table.dataset}  {table.task}", f"{metric} [%]" if share else metric, curves)


def _point(table: Table, row: Row, metric: str, scale: int) -> Point:
    figure = row.metrics[metric]
    low, high, paper = (None if x is None else x * scale for x in (figure.low, figure.high, row.paper.get(metric)))
    seconds = table.cost(row, "seconds")
    return Point(row.steps, figure.value * scale, low, high, paper, row.nfe, seconds)
