"""The Pareto front of quality and cost, with how often a row stands on it, and the cheapest that is good enough."""

from __future__ import annotations

from typing import Any

from ....reports.curves import AXES, Point
from ....reports.html import Section, charts
from .. import fronts, text
from ..fronts import Front
from ..tables import Table
from .gathered import Page
from .grid import grid


def section(page: Page) -> Section | None:
    sheets: list[dict[str, Any]] = []
    for table in page.tables:
        for (protocol, metric), found in page.fronts.items():
            if protocol != table.protocol:
                continue
            if isinstance(found, str):
                sheets.append({"heading": f"{table.title}, {metric}", "why": found})
            elif len(found.points) > 1:
                sheets.append(_sheet(page, table, found, f"front-{len(sheets) + 1}"))
    if not any("chart" in sheet for sheet in sheets):
        return None
    lead = "Full points: no other row is as good and as cheap. The table says how often, over test images drawn anew."
    axes = {axis: said for axis, said in AXES.items() if axis in fronts.COSTS}
    data = {"sheets": sheets, "axes": axes, "switch": "front-x"}
    return Section("front", "Pareto front", "front.html", data, lead)


def _sheet(page: Page, table: Table, found: Front, ident: str) -> dict[str, Any]:
    owners, share = page.owners(table), found.points[0].row.metrics[found.metric].unit == "fraction"
    axes = [axis for axis in AXES if axis in found.choice]
    spots = []
    for p in found.points:
        value, seconds = p.value * (100 if share else 1), table.cost(p.row, "seconds")
        often = ", ".join(f"on the front by {AXES[axis]} in {p.frequency[axis]:.0%}" for axis in axes)
        said = f"{p.row.at}: {text.figure(p.row.metrics[found.metric])}; {often}"
        point = Point(p.row.steps, value, nfe=p.row.nfe, seconds=seconds)
        on = {axis: p.on_front[axis] for axis in axes}
        spots.append(charts.Spot(p.row.at, owners[p.row.name], point, on, said))
    label = f"{found.metric} [%]" if share else found.metric
    heading = f"{table.title}, {found.metric}"
    return {
        "heading": heading,
        "chart": charts.front(ident, heading, label, spots, axes),
        "grid": grid(page, fronts.block(found), [p.row.method for p in found.points]),
    }
