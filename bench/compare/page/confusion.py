"""What was taken for what, a matrix a row."""

from __future__ import annotations

from typing import Any

from ....reports.html import Section
from ...records import Missing
from ..confusions import Confusion, confusion
from ..tables import Table
from .gathered import Page, anchor

MOST = 24
"""Classes that are shown each by itself; of more, those that went wrong most."""


def section(page: Page) -> Section | None:
    sheets = [sheet for place, table in enumerate(page.tables) if (sheet := _sheet(page, table, anchor(place)))]
    if not sheets:
        return None
    lead = "Of each true class (rows), the percentage that was taken for each class (columns), over the whole split."
    return Section("confusion", "Confusion", "confusion.html", {"sheets": sheets}, lead)


def _sheet(page: Page, table: Table, place: str) -> dict[str, Any] | None:
    panels, several = [], False
    for number, row in enumerate(table.rows):
        found = confusion(row)
        if isinstance(found, Missing):
            continue
        several |= len(row.seeds) > 1
        ident = f"confusion-{place}-{number}"
        panels.append({"id": ident, "method": row.method, "at": row.at, **_shown(found.most(MOST))})
    if not panels:
        return None
    notes = ["over all seeds."] if several else []
    return {"group": f"confusion-{place}", "heading": table.title, "panels": panels, "notes": notes}


def _shown(found: Confusion) -> dict[str, Any]:
    rows = []
    for name, shares, counts in zip(found.classes, found.shares, found.counts, strict=True):
        total = counts.sum()
        cells = [{"text": _percent(share), "share": round(float(share), 3)} for share in shares] if total else []
        rows.append({"name": name, "cells": cells, "total": f"{total:,.0f}"})
    return {"classes": found.classes, "rows": rows}


def _percent(share: float) -> str:
    """`97.1`; nothing at all is `0`, and what rounds to nothing `<0.1`."""
    return "0" if share == 0 else "<0.1" if share < 0.0005 else f"{share * 100:.1f}"
