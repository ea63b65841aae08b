"""The papers' rows for a table's task and data set, beside ours."""

from __future__ import annotations

from dataclasses import asdict

from ...reports.block import Block
from ...reports.published import Published, of
from . import text
from .rows import Row
from .tables import Table


def block(table: Table) -> Block:
    """Each with its caveat and our figure at equal steps."""
    rows, data = [], []
    for p in of(table.task, table.dataset):
        row = _ours(table, p)
        ours = row.metrics[p.metric] if row else None
        value = f"{p.value * 100:.1f}" if p.share else f"{p.value:g}"
        shown = text.figure(ours) if ours else "–"
        rows.append([p.method, str(p.steps), p.metric, value, shown, f"{p.source}, table {p.table}", p.note or "–"])
        data.append({**asdict(p), "ours": ours.model_dump(mode="json") if ours else None})
    notes = ["The papers' figures have no intervals and protocols of their own: no difference is tested."]
    if not rows:
        notes = [f"No paper has figures for {table.task} on {table.dataset}."]
    headers = ["method", "steps", "metric", "paper", "here", "source", "caveat"]
    return Block(
        "published", f"{table.dataset}/{table.task}, as published", headers, rows, data, notes, left=(0, 2, 5, 6)
    )


def _ours(table: Table, p: Published) -> Row | None:
    for row in table.rows:
        same = (row.method, row.steps, row.record.solver or "") == (p.method, p.steps, p.solver)
        if same and p.metric in row.paper:
            return row
    return None
