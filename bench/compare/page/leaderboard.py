"""Every row with its figures, a table a protocol; the best is bold where nothing of it is left to chance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ....reports.html import Section
from ...records import Figure
from .. import text
from ..rows import Row
from ..tables import MARKED, Table, notes, warning
from .gathered import Page, anchor, columns


def section(page: Page) -> Section | None:
    boards = [_board(page, place, table) for place, table in enumerate(page.tables) if table.rows]
    if not boards:
        return None
    lead = "Every row with its 95 % intervals. Choose a heading to sort by it."
    return Section("leaderboard", "Leaderboard", "leaderboard.html", {"boards": boards}, lead)


def _board(page: Page, place: int, table: Table) -> dict[str, Any]:
    shared = _shared(table)
    return {
        "id": anchor(place),
        "heading": table.heading,
        "warning": warning(table),
        "shared": [f"{name} {value}" for name, value in shared.items()],
        "headers": [head for head in _headers(table) if head["text"] not in shared],
        "rows": [_row(page, table, row, shared) for row in table.rows],
        "notes": notes(table),
        "marks": _marks(page.leaders[table.protocol]),
    }


def _headers(table: Table) -> list[dict[str, Any]]:
    """What stands above the columns, and where sorting begins."""
    before = [
        {"text": "method", "kind": "text", "first": "ascending", "title": ""},
        {"text": "steps", "kind": "number", "first": "ascending", "title": "inference steps"},
    ]
    after = [
        {"text": "NFE", "kind": "number", "first": "ascending", "title": "network evaluations an image"},
        {"text": "images/s", "kind": "number", "first": "descending", "title": "measured in the run itself"},
        {"text": "params", "kind": "number", "first": "ascending", "title": "parameters of the network"},
        {"text": "seeds", "kind": "number", "first": "descending", "title": "generation seeds"},
    ]
    figures = []
    for name, better in columns(table):
        first = "descending" if better == "higher" else "ascending"
        arrow = "↑" if better == "higher" else "↓"
        figures.append({"text": f"{name} {arrow}", "kind": "figure", "first": first, "title": f"{better} is better"})
    return [*before, *figures, *after]


def _made_of(row: Row) -> dict[str, dict[str, Any]]:
    """By column."""
    parameters, seeds = row.record.checkpoint.parameters, len(row.seeds)
    return {
        "params": {"text": text.millions(parameters), "sort": parameters},
        "seeds": {"text": str(seeds), "sort": seeds},
    }


def _shared(table: Table) -> dict[str, str]:
    """By column, what would be the same in every row, and stands above the table."""
    first, *others = map(_made_of, table.rows)
    return {
        name: cell["text"]
        for name, cell in first.items()
        if all(other[name]["text"] == cell["text"] for other in others)
    }


def _row(page: Page, table: Table, row: Row, shared: Collection[str]) -> dict[str, Any]:
    speed = table.images_per_second(row)
    cells: list[dict[str, Any]] = [{"text": "–" if row.steps is None else f"{row.steps:,}", "sort": row.steps}]
    for name, _ in columns(table):
        figure = row.metrics.get(name)
        places = page.leaders[table.protocol].get(name, ())
        mark = "best" if row in places[:1] else "second" if row in places[1:2] else ""
        cells.append(_figure(table, name, figure) | {"mark": mark} if figure else {"text": "–", "sort": None})
    cells += [
        {"text": "–" if row.nfe is None else f"{row.nfe:.4g}", "sort": row.nfe},
        {"text": text.speed(speed), "sort": speed},
    ]
    cells += [cell for name, cell in _made_of(row).items() if name not in shared]
    return {"method": row.method, "hue": page.hue[row.method], "name": row.name, "cells": cells}


def _figure(table: Table, name: str, figure: Figure) -> dict[str, Any]:
    value, _, interval = text.figure(figure).partition(" ")
    return {"text": value, "interval": interval, "sort": figure.value, "bar": _bar(table, name, figure)}


def _bar(table: Table, name: str, figure: Figure) -> dict[str, float]:
    """Where the figure and the ends of its interval lie between the least and the largest of its column, in percent."""
    found = [row.metrics[name] for row in table.rows if name in row.metrics]
    least = min(one.value if one.low is None else one.low for one in found)
    room = max(one.value if one.high is None else one.high for one in found) - least or 1.0

    def place(value: float) -> float:
        return round((value - least) / room * 100, 2)

    low, high = (figure.value if end is None else end for end in (figure.low, figure.high))
    return {"value": place(figure.value), "low": place(low), "width": round(place(high) - place(low), 2)}


def _marks(certain: dict[str, Sequence[Row]]) -> str:
    return f"{MARKED} {', '.join(certain)}." if certain else ""
