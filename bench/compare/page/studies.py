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

SAMPLES, FEW = 3, 24
"""Of how many samples outputs are shown; of one where a study has more rows than these."""
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
    """Whether rows of one step count stand together."""


def _but(row: Row, *options: str) -> Hashable:
    """Checkpoint, precision, seeds, and the options but some."""
    record = row.record
    left = tuple(sorted((k, repr(v)) for k, v in record.options.items() if k not in options))
    return row.method, record.version, fingerprint(record), record.precision, record.noise, row.seeds, left


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
        if (sheet := _sheet(page, study, replace(album, first=SAMPLES if len(rows) <= FEW else 1), rows))
    ]
    if not sheets:
        return None
    lead = "Rows of one checkpoint that differ in one thing, at equal step counts; an adaptive solver takes its own."
    return Section("studies", "Studies", "studies.html", {"sheets": sheets}, lead)


def _groups(study: Study, rows: list[Row]) -> list[list[Row]]:
    """Rows that have two values or more, all else the same."""
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        if study.value(row) is not _ABSENT:
            found.setdefault(study.same(row), []).append(row)
    told = [[row for row in group if _varied(study, _beside(row, group))] for group in found.values()]
    return [group for group in told if group]


def _beside(row: Row, rows: list[Row]) -> list[Row]:
    """Those at its step count; an adaptive solver stands beside every one."""
    return [one for one in rows if row.steps is None or one.steps in (None, row.steps)]


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
