"""Quality over steps, network evaluations and seconds."""

from __future__ import annotations

from ....reports.curves import AXES
from ....reports.html import Section
from ....reports.html.charts import curves
from ..curves import headlines, panel
from .gathered import Page


def section(page: Page) -> Section | None:
    charts = [
        curves(f"curve-{place}", panel(table, metric), page.owners(table))
        for place, (table, metric) in enumerate(headlines(page.tables), 1)
        if not table.stamp
    ]
    if not charts:
        return None
    lead = (
        "Bands and bars are 95 % intervals; a dashed line is a row without a step count; a cross is the paper's own "
        "figure."
    )
    data = {"charts": charts, "axes": AXES, "switch": "quality-x"}
    return Section("quality", "Quality against cost", "quality.html", data, lead)
