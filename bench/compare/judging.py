"""Which model saw alignment: where it is a row itself, or sees one class in everything, that says little."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from ..records import Record, Stored

if TYPE_CHECKING:
    from .rows import Row
    from .tables import Table


def judged(record: Record) -> str:
    """Which model saw alignment, where it was named."""
    judge = record.judge
    return f"alignment is seen by {judge.title} ({judge.fingerprint[:6]})" if judge else ""


def judges_among(tables: Sequence[Table], cells: Sequence[Stored]) -> None:
    """Remark on rows of the models that judge alignment in other tables, and on what one sees that sees one class."""
    judging: dict[str, dict[str, None]] = {}
    for cell in cells:
        if judge := cell.record.judge:
            judging.setdefault(judge.fingerprint, {})[cell.record.protocol["name"]] = None
    for table in tables:
        for row in table.rows:
            if where := judging.get(row.record.checkpoint.fingerprint):
                table.remarks.append(f"{row.at} is the model that sees alignment in {', '.join(where)}")
        table.remarks += filter(None, map(_sees_one, table.rows))


def _sees_one(row: Row) -> str:
    """A remark where the judge sees one class in most syntheses, and not in real images; else empty."""
    if not (seen := row.record.details.get("seen")):
        return ""
    name, share = max(seen["syntheses"].items(), key=itemgetter(1))
    real = seen["real"][name]
    if share < 0.5 or share < 2 * real:
        return ""
    return (
        f"the judge of alignment sees class {name} in {share:.0%} of the syntheses of {row.at}, in {real:.0%} of real "
        "images: they are all alike, or nothing that it knows; look at them"
    )
