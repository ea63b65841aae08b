"""Which cells of ours stand beside the figures of a paper's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....reports.papers import Line, Paper
from ....reports.published import Published
from ...metrics import family
from ...protocols import DEFAULT
from ...records import DEFAULT_STORE, Figure, Record, Stored
from ..departures import base, departures
from ..rows import Row
from ..tables import tables
from .wanted import Wanted, protocol_of, wanted

LEFT = "there is a cell, which the chosen filter leaves out"


@dataclass(frozen=True)
class Slot:
    """A figure of a paper, and ours or why there is none."""

    row: Line
    column: Line
    theirs: Published
    ours: Row | None = None
    departs: tuple[str, ...] = ()
    """In what ours is not the paper's own."""
    why: str = ""
    """There is no figure of ours."""
    wanted: Wanted | None = None
    """What would measure it."""

    @property
    def figure(self) -> Figure | None:
        return self.ours.metrics[self.theirs.metric] if self.ours else None

    @property
    def difference(self) -> float | None:
        """Ours minus theirs."""
        return self.figure.value - self.theirs.value if self.figure else None


@dataclass(frozen=True)
class Filled:
    """A table of a paper with all that it prints."""

    paper: Paper
    slots: Sequence[Slot]

    def at(self, row: Line, column: Line) -> Slot | None:
        """None where the paper prints nothing."""
        return next((slot for slot in self.slots if slot.row is row and slot.column is column), None)


def fill(paper: Paper, cells: Sequence[Stored], folders: Sequence[Path] = (), every: Sequence[Stored] = ()) -> Filled:
    """Every figure that a paper's table prints, with the row of ours that is nearest to the paper's own. `folders`: the
    stores of the cells; where there is one, what lacks is to be measured into it. `every`: all cells there."""
    into = folders[0] if len(folders) == 1 else DEFAULT_STORE
    asked = {(p.task, p.dataset) for p in paper.figures}
    near = [cell for cell in cells if (cell.record.task, cell.record.dataset) in asked]
    rows = [row for table in tables(near) for row in table.rows]
    spare = [(r, f"it failed: {r.failure or 'unknown reason'}") for c in near if (r := c.record).status == "failed"]
    keys = {cell.record.key for cell in cells}
    spare += [(cell.record, LEFT) for cell in every if cell.record.key not in keys]
    asked_for = [(line, column, p) for line in paper.rows for column in paper.columns if (p := paper.at(line, column))]
    return Filled(paper, [_slot(paper, *one, rows, spare, wanted(paper, one[0], one[2], into)) for one in asked_for])


def _slot(
    paper: Paper,
    line: Line,
    column: Line,
    p: Published,
    rows: Sequence[Row],
    spare: Sequence[tuple[Record, str]],
    would: Wanted | None,
) -> Slot:
    if would is None:
        why = "not something that can be measured: the paper does not say which of two metrics called LPIPS it prints"
        return Slot(line, column, p, why=why)
    about = [row for row in rows if _is_about(row.record, line, p)]
    measured = [row for row in about if p.metric in row.metrics]
    alike = [row for row in measured if _measures(paper, row, p)]
    if alike:
        own = {id(row): tuple(departures(row.record, p)) for row in alike}
        best = min(alike, key=lambda row: (len(own[id(row)]), -row.record.n, row.protocol, row.name))
        return Slot(line, column, p, ours=best, departs=own[id(best)])
    lacking = [why for record, why in spare if _is_about(record, line, p)]
    why = _why(measured, about, p) or (lacking[0] if lacking else "not measured")
    return Slot(line, column, p, why=why, wanted=None if why == LEFT else would)


def _why(measured: Sequence[Row], about: Sequence[Row], p: Published) -> str:
    """Why what was measured is not the figure; empty where nothing was."""
    if measured:
        other = dict.fromkeys(f"{row.record.protocol.get('rules', DEFAULT)} on {row.record.split}" for row in measured)
        return f"measured under another protocol: {', '.join(other)}"
    for row in about:
        if judged := [name for name in row.metrics if family(name) == p.metric]:
            return f"measured by another judge: {', '.join(judged)}"
        if reason := row.record.absent.get(p.metric):
            return f"not measured in the cell that is there: {reason}"
    return ""


def _is_about(record: Record, line: Line, p: Published) -> bool:
    """Whether a cell is of the paper's method at its steps: of another recipe, too."""
    kind, _, lies = line.run.partition(":")
    same = record.method == f"{kind}:{Path(lies).name}" if kind else base(record.method) == base(p.method)
    solver = not p.solver or record.solver == p.solver
    where = (record.task, record.dataset) == (p.task, p.dataset)
    return same and solver and where and record.steps in ((None, p.steps) if line.run else (p.steps,))


def _measures(paper: Paper, row: Row, p: Published) -> bool:
    """Whether a row was measured as the paper's table is."""
    named = protocol_of(paper, p)
    return named == DEFAULT or row.record.protocol.get("rules", DEFAULT) == named
