"""A paper's table as rows of a tidy table: a row a figure that the paper prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...records.tidy import DTYPES, Column
from .filled import Filled, Slot

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    Column("paper", "text", "name of the table: symmflow-table-2"),
    Column("row", "text", "as the table calls it"),
    Column("column", "text", "as the table calls it"),
    Column("method", "text", "of the published figure"),
    Column("task", "text", "cls, ss or sis"),
    Column("dataset", "text", "name of the data set"),
    Column("split", "text", "of the published figure"),
    Column("metric", "text", "name of the metric; lpips where the paper does not say which"),
    Column("steps", "integer", "of the published figure"),
    Column("solver", "text", "missing where the method solves nothing"),
    Column("unit", "text", "fraction (in [0, 1]) or distance"),
    Column("theirs", "number", "the paper's figure"),
    Column("caveat", "text", "what is known of the paper's figure"),
    Column("ours", "number", "mean over the seeds of our row; missing: see why"),
    Column("low", "number", "end of its 95 % interval"),
    Column("high", "number", "end of its 95 % interval"),
    Column("difference", "number", "ours minus theirs, untested"),
    Column("departs", "text", "in what ours is not the paper's own cell; missing: it is, or there is none"),
    Column("protocol", "text", "hash of the protocol of ours"),
    Column("keys", "text", "records of ours, one a seed"),
    Column("why", "text", "why there is no figure of ours"),
    Column("command", "text", "what would measure it; several commands are joined by &&"),
)


def frame(filled: Filled) -> pd.DataFrame:
    import pandas as pd

    found = pd.DataFrame([_row(filled.paper.name, slot) for slot in filled.slots], columns=[c.name for c in COLUMNS])
    return found.astype({column.name: DTYPES[column.kind] for column in COLUMNS})


def _row(paper: str, slot: Slot) -> dict[str, Any]:
    p, figure = slot.theirs, slot.figure
    said = {
        "paper": paper,
        "row": slot.row.head,
        "column": slot.column.head,
        **{name: getattr(p, name) or None for name in ("method", "task", "dataset", "split", "metric", "solver")},
        "steps": p.steps,
        "unit": "fraction" if p.share else "distance",
        "theirs": p.value,
        "caveat": p.note or None,
        "departs": "; ".join(slot.departs) or None,
        "why": slot.why or None,
    }
    if figure is not None and slot.ours is not None:
        keys = ", ".join(cell.record.key for cell in slot.ours.cells)
        measured = {"ours": figure.value, "low": figure.low, "high": figure.high, "difference": slot.difference}
        return {**said, **measured, "protocol": slot.ours.protocol, "keys": keys}
    return {**said, "command": " && ".join(slot.wanted.commands(p.steps)) if slot.wanted else None}
