"""Every class by itself: IoU and F1 of each row, with numbers."""

from __future__ import annotations

from typing import Any

from ....reports.html import Section
from ...records import Figure, Missing
from .. import text
from ..classes import OfClass, of_areas, of_classes
from ..tables import Table
from .gathered import Page

PARTS = {"iou": "IoU", "f1": "F1", "accuracy": "recall"}


def section(page: Page) -> Section | None:
    asked = [(table, metric) for table in page.tables for metric in of_areas(table)]
    sheets = [
        s for place, (table, metric) in enumerate(asked) if (s := _sheet(page, table, metric, f"classes-{place}"))
    ]
    if not sheets:
        return None
    lead = "Percent, over the whole split; point at a figure for its 95 % interval."
    return Section("classes", "By class", "classes.html", {"sheets": sheets}, lead)


def _sheet(page: Page, table: Table, metric: str, group: str) -> dict[str, Any] | None:
    rows = [row for row in table.rows if metric in row.metrics]
    known = [(row, found) for row in rows if not isinstance(found := of_classes(row, metric), Missing)]
    if not known:
        return None
    names = list(dict.fromkeys(one.name for _, found in known for one in found))
    shares = {one.name: f"{one.share * 100:.2f} % of pixels, in {one.images:,} images" for one in known[0][1]}
    panels = [
        {
            "id": f"{group}-{part}",
            "label": label,
            "rows": [
                {"method": row.method, "hue": page.hue[row.method], "at": row.at, "cells": _cells(names, found, part)}
                for row, found in known
            ],
        }
        for part, label in PARTS.items()
    ]
    heads = [{"name": name, "title": shares.get(name, "")} for name in names]
    return {"group": group, "heading": f"{table.title}, {metric} by class", "classes": heads, "panels": panels}


def _cells(names: list[str], found: list[OfClass], part: str) -> list[dict[str, Any]]:
    figures: dict[str, Figure] = {one.name: getattr(one, part) for one in found}
    return [
        {
            "text": text.figure(figure, interval=False),
            "title": text.figure(figure),
            "share": round(figure.value, 3),
        }
        if (figure := figures.get(name))
        else {"text": "–", "title": "", "share": 0.0}
        for name in names
    ]
