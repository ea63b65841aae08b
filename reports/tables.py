"""Tables of records: rows and figures as text."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from .block import Block

if TYPE_CHECKING:
    from ..bench.compare.rows import Row, Table
    from ..bench.records.record import Metric


def figure(metric: Metric) -> str:
    """`97.3 [95.1, 98.5]`: shares in percent, distances as they are, the 95 % interval in brackets."""
    scale, digits = (100, 1) if metric.unit == "fraction" else (1, 3 if abs(metric.value) < 10 else 1)
    text = f"{metric.value * scale:.{digits}f}"
    if metric.low is None or metric.high is None:
        return text
    return f"{text} [{metric.low * scale:.{digits}f}, {metric.high * scale:.{digits}f}]"


def columns(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headers and cells as text."""
    papers = [name for name in table.metrics if any(name in row.paper for row in table.rows)]
    several = any(len(row.seeds) > 1 for row in table.rows)
    headers = ["method", "params", "steps", "NFE"]
    for name in table.metrics:
        arrow = "↓" if next(r.metrics[name].better for r in table.rows if name in r.metrics) == "lower" else "↑"
        headers += [f"{name} {arrow}"] + (["paper"] if name in papers else [])
    headers += ["images/s"] + (["seeds"] if several else [])
    return headers, [_cells(table, row, papers, several) for row in table.rows]


def row_name(table: Table, row: Row) -> str:
    """The method, and whatever else tells its row from others of the table: solver, precision, recipe, checkpoint."""
    name = row.method + (f" {row.solver}" if row.solver not in (None, "euler") else "")
    name += f" {row.precision}" if row.precision != "fp32" else ""
    for option, value in row.options.items():
        if any(r.method == row.method and r.options.get(option) != value for r in table.rows):
            name += f" {option}={value}"
    siblings = {(r.recipe, r.fingerprint) for r in table.rows if r.method == row.method}
    if len({recipe for recipe, _ in siblings}) > 1:
        name += f" ({row.recipe})"
    if len([recipe for recipe, _ in siblings if recipe == row.recipe]) > 1:
        name += f" {row.fingerprint}"
    if len(row.seeds) == 1 and any(r != row and _but_seeds(r) == _but_seeds(row) for r in table.rows):
        name += f" seed={row.seeds[0]}"
    return name + (f" {row.protocol[:8]}" if table.stamp else "")


def _but_seeds(row: Row) -> tuple[object, ...]:
    return row.method, row.fingerprint, row.steps, row.solver, row.options, row.precision, row.protocol


def at_steps(table: Table, row: Row) -> str:
    """`symmflow@25`."""
    return row_name(table, row) + ("" if row.steps is None else f"@{row.steps}")


def _cells(table: Table, row: Row, papers: list[str], several: bool) -> list[str]:
    cells = [
        row_name(table, row),
        "–" if row.parameters is None else f"{row.parameters / 1e6:.2f}M",
        "–" if row.steps is None else str(row.steps),
        "–" if row.nfe is None else f"{row.nfe:.4g}",
    ]
    for metric in table.metrics:
        found = row.metrics.get(metric)
        cells.append(figure(found) if found else "–")
        if metric in papers:
            value = row.paper.get(metric)
            percent = found is None or found.unit == "fraction"
            cells.append("–" if value is None else f"{value * 100:.1f}" if percent else f"{value:g}")
    cells.append("–" if row.images_per_second is None else _rate(row.images_per_second))
    return cells + ([str(len(row.seeds))] if several else [])


def notes(table: Table) -> list[str]:
    """What a reader must know beside the figures."""
    lines = [f"95 % intervals cover {said}; percent where a figure is a share."] if (said := _covered(table)) else []
    lines += [f"{remark}." for remark in table.remarks]
    lines += _absent(table)
    lines += [f"failed: {text}" for text in table.failed]
    return lines


def _covered(table: Table) -> str:
    """Which source of chance the intervals speak of, and of which metrics or rows where they differ."""
    found = {
        (name, at_steps(table, row)): metric.covers
        for row in table.rows
        for name, metric in row.metrics.items()
        if metric.covers
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


def _absent(table: Table) -> list[str]:
    """A line a reason; with the methods that it is about where other methods have the metric."""
    lines: dict[tuple[str, str], list[str]] = {}
    for metric, reasons in table.absent.items():
        for reason, of in reasons.items():
            whose = f" for {', '.join(of)}" if metric in table.metrics or len(reasons) > 1 else ""
            lines.setdefault((whose, reason), []).append(metric)
    return [f"{', '.join(metrics)} absent{whose}: {reason}." for (whose, reason), metrics in lines.items()]


def heading(table: Table) -> str:
    if table.stamp:
        return table.title
    return f"{table.title}: {table.split}, n = {table.n:,}, protocol {table.protocol}"


def table_block(table: Table) -> Block:
    """The rows of a table with their figures."""
    headers, rows = columns(table)
    plain = asdict(table)
    for shown, row in zip(plain["rows"], table.rows, strict=True):
        shown["metrics"] = {name: metric.model_dump(mode="json") for name, metric in row.metrics.items()}
    return Block("tables", heading(table), headers, rows, [plain], notes(table), table.stamp)


def _rate(value: float) -> str:
    """Three digits, no exponents."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
