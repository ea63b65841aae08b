"""The papers' rows for a table's task and data set, beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ...reports.block import Block
from ...reports.published import Published, of
from . import text
from .departures import base, departures
from .rows import Row
from .tables import Table


def block(table: Table) -> Block:
    """Each with its caveat and our figures at equal steps: the paper's own cell, else those that are nearest to it."""
    rows, data, notes = [], [], dict[str, None]()
    for p in of(table.task, table.dataset):
        value = f"{p.value * 100:.1f}" if p.share else f"{p.value:g}"
        near: Sequence[Row | None] = _ours(table, p) or [None]
        for row in near:
            ours = row.metrics[p.metric] if row else None
            departs = [] if row is None or p.metric in row.paper else departures(row.record, p)
            if row and departs:
                notes[f"{row.name}{_size(row)} is not the paper's own: {'; '.join(departs)}."] = None
            said = [text.figure(ours) if ours else "–", row.name if row else "–"]
            about = [p.method, str(p.steps), p.metric, value]
            rows.append([*about, *said, f"{p.source}, table {p.table}", p.note or "–"])
            plain = ours.model_dump(mode="json") if ours else None
            data.append({**asdict(p), "ours": plain, "ours_method": row and row.method, "departs": departs})
    last = "The papers' figures have no intervals and protocols of their own: no difference is tested."
    if not rows:
        last = f"No paper has figures for {table.task} on {table.dataset}."
    headers = ["method", "steps", "metric", "paper", "here", "by", "source", "caveat"]
    title = f"{table.dataset}/{table.task}, as published"
    return Block("published", title, headers, rows, data, [*notes, last], left=(0, 2, 5, 6, 7))


def _ours(table: Table, p: Published) -> list[Row]:
    """The paper's own cell, else all of its method by other recipes, weights or options."""
    measured = [row for row in table.rows if (row.steps, row.record.solver or "") == (p.steps, p.solver)]
    own = [row for row in measured if row.method == p.method and p.metric in row.paper]
    return own[:1] or [row for row in measured if base(row.method) == p.method and p.metric in row.metrics]


def _size(row: Row) -> str:
    """` (0.77M parameters, trained for 20,000 steps)`, as far as they are known."""
    made = row.record.checkpoint
    parameters = f"{text.millions(made.parameters)} parameters" if made.parameters else ""
    steps = f"trained for {made.trained_steps:,} steps" if made.trained_steps else ""
    known = ", ".join(filter(None, [parameters, steps]))
    return known and f" ({known})"
