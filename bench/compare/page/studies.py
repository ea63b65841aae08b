"""One thing changed, all else the same: the perturbation before synthesis (SemFlow's beta'), and the solver."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

from ....reports.html import Section
from .. import text
from ..naming import fingerprint
from ..rows import Row
from .album import Album
from .gathered import Page, columns

SAMPLES = 3
"""Of which outputs are shown."""
_ABSENT: Any = object()
"""What a row that has no such thing has."""


@dataclass(frozen=True)
class Study:
    """What is changed, and what stays the same."""

    title: str
    head: str
    value: Callable[[Row], Any]
    same: Callable[[Row], Hashable]
    by_steps: bool
    """Compared at equal steps alone."""


def _but(row: Row, *options: str) -> Hashable:
    """Checkpoint, precision, and the options but some."""
    record = row.record
    left = tuple(sorted((k, repr(v)) for k, v in record.options.items() if k not in options))
    return row.method, fingerprint(record), record.precision, left


STUDIES = (
    Study(
        "Perturbation before synthesis",
        "beta'",
        lambda row: row.record.options.get("beta", _ABSENT),
        lambda row: (_but(row, "beta"), row.record.solver),
        by_steps=True,
    ),
    Study("Solver", "solver", lambda row: row.record.solver or _ABSENT, _but, by_steps=False),
)


def section(page: Page) -> Section | None:
    sheets = [
        sheet
        for study in STUDIES
        for album in page.albums
        for rows in _groups(study, album.table.rows)
        if (sheet := _sheet(page, study, replace(album, first=SAMPLES), rows))
    ]
    if not sheets:
        return None
    lead = "Rows of one checkpoint that differ in one thing alone."
    return Section("studies", "Studies", "studies.html", {"sheets": sheets}, lead)


def _groups(study: Study, rows: list[Row]) -> list[list[Row]]:
    """Rows that have two values or more, all else the same."""
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        if study.value(row) is not _ABSENT:
            found.setdefault(study.same(row), []).append(row)
    if study.by_steps:
        found = {same: [row for row in group if _varied(study, _at(row.steps, group))] for same, group in found.items()}
    return [group for group in found.values() if _varied(study, group)]


def _at(steps: int | None, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.steps == steps]


def _varied(study: Study, rows: list[Row]) -> bool:
    return len({repr(study.value(row)) for row in rows}) > 1


def _sheet(page: Page, study: Study, album: Album, rows: list[Row]) -> dict[str, Any]:
    shown = [name for name, _ in columns(album.table) if any(name in row.metrics for row in rows)]
    return {
        "heading": f"{study.title}: {rows[0].method} on {album.table.title}",
        "head": study.head,
        "method": rows[0].method,
        "metrics": shown,
        "rows": [
            {
                "value": _said(study.value(row)),
                "steps": "–" if row.steps is None else str(row.steps),
                "nfe": "–" if row.nfe is None else f"{row.nfe:.4g}",
                "figures": [text.figure(row.metrics[n]) if n in row.metrics else "–" for n in shown],
                "outputs": [{"id": own, "picture": album.output(row, own)} for own in album.ids],
                "at": row.at,
            }
            for row in sorted(
                rows,
                key=lambda r: (
                    (r.steps or 0, repr(study.value(r))) if study.by_steps else (repr(study.value(r)), r.steps or 0)
                ),
            )
        ],
        "pictures": bool(album.rows),
    }


def _said(value: Any) -> str:
    return "as trained" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)
