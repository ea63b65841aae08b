"""Which model saw alignment, and where that model is a row itself: the two are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..records import Record, Stored

if TYPE_CHECKING:
    from .tables import Table


def judged(record: Record) -> str:
    """Which model saw alignment, where it was named."""
    judge = record.judge
    return f"alignment is seen by {judge.title} ({judge.fingerprint[:6]})" if judge else ""


def judges_among(tables: Sequence[Table], cells: Sequence[Stored]) -> None:
    """Remark on rows of the models that judge alignment in other tables."""
    judging: dict[str, dict[str, None]] = {}
    for cell in cells:
        if judge := cell.record.judge:
            judging.setdefault(judge.fingerprint, {})[cell.record.protocol["name"]] = None
    for table in tables:
        for row in table.rows:
            if where := judging.get(row.record.checkpoint.fingerprint):
                table.remarks.append(f"{row.at} is the model that sees alignment in {', '.join(where)}")
