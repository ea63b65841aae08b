"""Cells side by side: a row a method and step count, one table a protocol."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ...reports.block import Block, Mark
from ...symmflow.errors import unknown
from .. import tasks
from ..code import Installed
from ..records import Record, Stored
from . import text
from .choice import apart
from .judging import judged, judges_among
from .naming import fingerprint, recipe, row_names
from .rows import Row
from .speed import Conditions
from .standing import other_code, other_libraries


@dataclass
class Table:
    """All rows of one protocol. Rows of different tables must not be compared."""

    title: str
    task: str
    dataset: str
    split: str
    n: int
    protocol: str
    rows: list[Row] = field(default_factory=list)
    absent: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Metrics that were not measured: metric -> reason -> methods."""
    remarks: list[str] = field(default_factory=list)
    """What a reader must know of the figures: sample size against feature dimensions, say."""
    failed: list[str] = field(default_factory=list)
    stamp: str = ""
    """Rows of several protocols stand in it by the reader's own wish: what differs."""
    other_code: dict[str, list[str]] = field(default_factory=dict)
    """Rows whose figures other code made than is installed: in what it differs -> rows."""
    other_libraries: dict[str, list[str]] = field(default_factory=dict)
    """Rows that other versions of libraries made than are installed: which -> rows."""

    @property
    def metrics(self) -> list[str]:
        """Names in the order of first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row.metrics))

    @property
    def heading(self) -> str:
        if self.stamp:
            return self.title
        return f"{self.title}: {self.split}, n = {self.n:,}, protocol {self.protocol}"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"rows": [row.plain(self.images_per_second(row)) for row in self.rows]}

    @property
    def conditions(self) -> Conditions | None:
        """Under which most of its speeds were measured."""
        found = Counter(row.conditions for row in self.rows if row.conditions)
        return max(found, key=lambda one: found[one], default=None)

    def images_per_second(self, row: Row) -> float | None:
        """The speed of a row, if it was measured like most of the table: others must not stand beside it."""
        return row.images_per_second if row.conditions == self.conditions else None

    def cost(self, row: Row, name: str) -> float | None:
        """`nfe`, or `seconds` an image where its speed may stand beside the others."""
        if name == "nfe":
            return row.nfe
        speed = self.images_per_second(row)
        return 1 / speed if speed else None


def tables(cells: Iterable[Stored], *, mixed: bool = False, by_seed: bool = False) -> list[Table]:
    """Group cells by protocol, rows by everything but the seed.

    `mixed`: one table a task and data set, stamped where it holds several protocols. `by_seed`: a row a seed.
    """
    members: dict[tuple[str, ...], list[Stored]] = {}
    for cell in cells:
        own = () if mixed else (cell.record.protocol["hash"],)
        members.setdefault((cell.record.task, cell.record.dataset, *own), []).append(cell)
    installed = Installed()
    made = [_table(group, by_seed, installed) for group in members.values()]
    judges_among(made, [cell for group in members.values() for cell in group])
    return sorted(made, key=lambda t: (tasks.order(t.task), t.dataset, t.protocol))


def _table(cells: Sequence[Stored], by_seed: bool, installed: Installed) -> Table:
    first = cells[0].record
    table = Table(first.protocol["name"], first.task, first.dataset, first.split, first.n, first.protocol["hash"])
    protocols = {cell.record.protocol["hash"] for cell in cells}
    if len(protocols) > 1:
        table.title = f"{first.dataset}/{first.task}"
        table.stamp = f"NOT COMPARABLE: rows of {len(protocols)} protocols, which differ in {apart(cells)}"
    groups: dict[tuple[object, ...], list[Stored]] = {}
    for cell in cells:
        r = cell.record
        if r.status == "failed":
            table.failed.append(f"{r.title}: {r.failure or 'unknown reason'}")
            continue
        groups.setdefault((*_measured(r), r.seed if by_seed else None), []).append(cell)
        for metric, reason in r.absent.items():
            methods = table.absent.setdefault(metric, {}).setdefault(reason, [])
            if r.method not in methods:
                methods.append(r.method)
        remarks = (_remark(r), judged(r), _doubt(r))
        table.remarks += [said for said in remarks if said and said not in table.remarks]
    rows = sorted((sorted(group, key=lambda cell: cell.record.seed) for group in groups.values()), key=_order)
    names = row_names([[cell.record for cell in row] for row in rows], stamped=bool(table.stamp))
    table.rows = [Row(tuple(row), name) for row, name in zip(rows, names, strict=True)]
    table.other_code = _rows_by(table.rows, lambda record: other_code(record, installed))
    table.other_libraries = _rows_by(table.rows, other_libraries)
    return table


def _doubt(record: Record) -> str:
    return f"{record.title} is not repeatable: {record.unrepeated}" if record.unrepeated else ""


def _rows_by(rows: Sequence[Row], why: Callable[[Record], str]) -> dict[str, list[str]]:
    """What is to be said of records -> the rows of which it is."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for reason in dict.fromkeys(why(cell.record) for cell in row.cells):
            if reason:
                found.setdefault(reason, []).append(row.at)
    return found


def _measured(r: Record) -> tuple[object, ...]:
    """What cells of one row have in common."""
    options = json.dumps(r.options, sort_keys=True)
    weights = r.checkpoint.fingerprint
    return r.protocol["hash"], r.method, r.version, weights, r.steps, r.solver, options, r.precision, r.noise


def _order(row: Sequence[Stored]) -> tuple[Any, ...]:
    r = row[0].record
    of_method = (r.method, r.version, recipe(r), fingerprint(r), r.solver or "", str(r.options), r.precision)
    return (*of_method, r.steps or 0, r.protocol["hash"], [cell.record.seed for cell in row])


def _remark(record: Record) -> str:
    if not (found := record.details.get("features")):
        return ""
    n, real, d = found["n"], found["reference_n"], found["d"]
    side = "" if n == real else f" syntheses and {real:,} real images"
    said = f"features: n = {n:,}{side}, d = {d:,}, n/d = {round(min(n, real) / d, 2):g}"
    return f"{said}; {found['warning']}" if "warning" in found else said


def sort(found: Sequence[Table], by: str) -> None:
    """Order the rows by a metric, the best first, or by `nfe` or `seconds`, the cheapest first."""
    costs = {"nfe", "seconds"}
    known = {name for table in found for name in table.metrics} | costs
    if by not in known:
        raise unknown("metric", by, known)

    def rank(table: Table, row: Row) -> tuple[bool, float]:
        if by in costs:
            cost = table.cost(row, by)
            return cost is None, cost or 0.0
        if by not in row.metrics:
            return True, 0.0
        figure = row.metrics[by]
        return False, -figure.value if figure.better == "higher" else figure.value

    for table in found:
        if by in table.metrics or by in costs:
            table.rows = sorted(table.rows, key=partial(rank, table))


MARKED = (
    "bold: better than every other row; underlined: the next, better than all below it. Paired by image where both saw "
    "the same, p < 0.05 after Holm's correction for all pairs of rows, and not equivalent; asked of"
)
"""What marks mean, for a reader."""


def block(table: Table, leaders: Mapping[str, Sequence[Row]] | None = None, *, intervals: bool = True) -> Block:
    """The rows of a table with their figures; `leaders`: the rows that are marked as best and second, by metric."""
    papers = [name for name in table.metrics if any(name in row.paper for row in table.rows)]
    several = any(len(row.seeds) > 1 for row in table.rows)
    headers = ["method", "params", "steps", "NFE"]
    marks: dict[tuple[int, int], Mark] = {}
    for name in table.metrics:
        first: Sequence[Mark] = ("best", "second")
        for row, mark in zip((leaders or {}).get(name, ()), first, strict=False):
            marks[table.rows.index(row), len(headers)] = mark
        arrow = "↓" if next(r.metrics[name].better for r in table.rows if name in r.metrics) == "lower" else "↑"
        headers += [f"{name} {arrow}"] + (["paper"] if name in papers else [])
    headers += ["images/s"] + (["seeds"] if several else [])
    rows = [_cells(table, row, papers, intervals) + ([str(len(row.seeds))] if several else []) for row in table.rows]
    said = [*([f"{MARKED} {', '.join(leaders)}."] if leaders else []), *notes(table, intervals)]
    return Block("tables", table.heading, headers, rows, [table.plain()], said, warning(table), marks=marks)


def _cells(table: Table, row: Row, papers: Sequence[str], intervals: bool) -> list[str]:
    cells = [
        row.name,
        text.millions(row.record.checkpoint.parameters),
        "–" if row.steps is None else str(row.steps),
        "–" if row.nfe is None else f"{row.nfe:.4g}",
    ]
    for name in table.metrics:
        found = row.metrics.get(name)
        cells.append(text.figure(found, interval=intervals) if found else "–")
        if name in papers:
            value = row.paper.get(name)
            percent = found is None or found.unit == "fraction"
            cells.append("–" if value is None else f"{value * 100:.1f}" if percent else f"{value:g}")
    speed = table.images_per_second(row)
    return [*cells, text.speed(speed)]


def warning(table: Table) -> str:
    several = len(table.rows) > 3
    old = [
        f"{why}: {'all rows' if several and len(rows) == len(table.rows) else ', '.join(rows)}"
        for why, rows in table.other_code.items()
    ]
    stamps = [table.stamp, f"figures of other code ({'; '.join(old)})" if old else ""]
    return ". ".join(stamp for stamp in stamps if stamp)


def notes(table: Table, intervals: bool = True) -> list[str]:
    """What a reader must know beside the figures, and beside their intervals."""
    percent = "percent where a figure is a share."
    lines = [f"95 % intervals cover {said}; {percent}" if intervals and (said := _covered(table)) else percent]
    lines += _untold(table) if intervals else []
    lines += [f"{remark}." for remark in table.remarks]
    lines += [f"other libraries since: {why} ({', '.join(rows)})." for why, rows in table.other_libraries.items()]
    lines += absent_lines(table)
    lines += _otherwise(table)
    lines += [f"failed: {line}" for line in table.failed]
    return lines


def _covered(table: Table) -> str:
    """Which source of chance the intervals speak of, and of which metrics or rows where they differ."""
    found = {
        (name, row.at): figure.covers
        for row in table.rows
        for name, figure in row.metrics.items()
        if figure.covers and figure.low is not None
    }
    sources = Counter(found.values()).most_common()
    if len(sources) < 2:
        return sources[0][0] if sources else ""
    said = []
    for source, _ in sources[1:]:
        mine = [at for at, other in found.items() if other == source]
        names, rows = list(dict.fromkeys(name for name, _ in mine)), list(dict.fromkeys(row for _, row in mine))
        if len(mine) == sum(name in names for name, _ in found):
            said.append(f"{source} for {', '.join(names)}")
        elif len(mine) == sum(row in rows for _, row in found):
            said.append(f"{source} for {', '.join(rows)}")
        else:
            said.append(f"{source} for {', '.join(f'{name} of {row}' for name, row in mine)}")
    return f"{sources[0][0]}, but {'; '.join(said)}"


def _untold(table: Table) -> list[str]:
    """A line a reason why figures have no interval."""
    lines: dict[str, list[str]] = {}
    for row in table.rows:
        for name, figure in row.metrics.items():
            if figure.covers and figure.low is None and name not in (names := lines.setdefault(figure.covers, [])):
                names.append(name)
    return [f"no interval for {', '.join(names)}: {reason}." for reason, names in lines.items()]


def _otherwise(table: Table) -> list[str]:
    """Which speeds are left out, for they were not measured like the others."""
    left = [row for row in table.rows if row.timed and table.images_per_second(row) is None]
    if not left:
        return []
    each = "; ".join(f"{row.at} ({row.conditions or 'its seeds under several conditions'})" for row in left)
    of = f" are of {table.conditions};" if table.conditions else ""
    return [f"images/s{of} left out, as they were measured otherwise: {each}."]


def absent_lines(table: Table) -> list[str]:
    """A line a reason; with the methods that it is about where other methods have the metric."""
    lines: dict[tuple[str, str], list[str]] = {}
    for metric, reasons in table.absent.items():
        for reason, of in reasons.items():
            whose = f" for {', '.join(of)}" if metric in table.metrics or len(reasons) > 1 else ""
            lines.setdefault((whose, reason), []).append(metric)
    return [f"{', '.join(names)} absent{whose}: {reason}." for (whose, reason), names in lines.items()]
