"""Comparison tables for the terminal, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..bench.compare import Row, Table
    from ..bench.findings import Finding
    from ..bench.judge import Judged
    from ..bench.records import Metric


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
    headers = ["method", "steps", "NFE"]
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
    return name


def _cells(table: Table, row: Row, papers: list[str], several: bool) -> list[str]:
    cells = [
        row_name(table, row),
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
    covers = sorted({m.covers for row in table.rows for m in row.metrics.values() if m.covers})
    lines = [f"95 % intervals cover {' / '.join(covers)}; percent where a figure is a share."] if covers else []
    lines += [f"{remark}." for remark in table.remarks]
    lines += [f"{name} absent: {reason}." for name, reason in table.absent.items()]
    lines += [f"failed: {text}" for text in table.failed]
    return lines


def heading(table: Table) -> str:
    return f"{table.title}: {table.split}, n = {table.n:,}, protocol {table.protocol}"


def to_rich(table: Table) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    headers, rows = columns(table)
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, header in enumerate(headers):
        shown.add_column(Text(header), justify="left" if i == 0 else "right")  # Text: fid[...] is no markup
    for row in rows:
        shown.add_row(*map(Text, row))
    return Group(Text(heading(table), style="bold"), shown, *[Text(line, style="dim") for line in notes(table)])


def to_markdown(table: Table) -> str:
    headers, rows = columns(table)
    lines = [
        f"### {heading(table)}",
        "",
        "| " + " | ".join(headers) + " |",
        "|---" + "|---:" * (len(headers) - 1) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", *notes(table), ""])


def judged_rows(judged: Judged) -> tuple[list[str], list[list[str]]]:
    """Headers and cells of the verdicts against a baseline."""
    rows = []
    for row, base, verdicts in judged.verdicts:
        for v in verdicts:
            percent = row.metrics[v.metric].unit == "fraction"
            scale, digits = (100, 2) if percent else (1, 3)
            d = v.difference
            shown = " ".join(
                [
                    f"{d.value * scale:+.{digits}f}",
                    f"[{d.low * scale:+.{digits}f}, {d.high * scale:+.{digits}f}]",
                ]
            )
            against = row_name(judged.table, base) + ("" if base.steps is None else f"@{base.steps}")
            steps = "–" if row.steps is None else str(row.steps)
            rows.append(
                [
                    row_name(judged.table, row),
                    steps,
                    against,
                    v.metric,
                    shown,
                    "<0.0001" if v.p < 1e-4 else f"{v.p:.2g}",
                    v.word,
                ]
            )
    return ["method", "steps", "against", "metric", "difference", "p (Holm)", "verdict"], rows


def judged_rich(judged: Judged) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    colors = {"better": "green", "worse": "red", "equivalent": "cyan", "inconclusive": "yellow"}
    headers, rows = judged_rows(judged)
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, header in enumerate(headers):
        shown.add_column(Text(header), justify="right" if i in (1, 4, 5) else "left")
    for row in rows:
        shown.add_row(*map(Text, row[:-1]), Text(row[-1], style=colors[row[-1]]))
    notes = [*judged.remarks, "equivalent: the 90 % interval lies inside the metric's floor (--floors)"]
    return Group(Text(heading(judged.table), style="bold"), shown, *[Text(f"{n}.", style="dim") for n in notes])


def judged_markdown(judged: Judged) -> str:
    headers, rows = judged_rows(judged)
    lines = [f"### {heading(judged.table)}, against the baseline", "", "| " + " | ".join(headers) + " |"]
    lines += ["|---" * len(headers) + "|", *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join([*lines, "", *[f"{remark}." for remark in judged.remarks], ""])


def judged_json(judged: Judged) -> list[dict[str, Any]]:
    return [
        {
            "protocol": judged.table.protocol,
            "method": row.method,
            "steps": row.steps,
            "baseline": {"method": base.method, "steps": base.steps},
            **asdict(v),
        }
        for row, base, verdicts in judged.verdicts
        for v in verdicts
    ]


def findings_rich(findings: Sequence[Finding]) -> RenderableType:
    """The papers' claims, each with its verdict and figures."""
    from rich.console import Group
    from rich.text import Text

    colors = {"holds": "green", "does not hold": "red", "cannot be told": "yellow"}
    lines = [Text("The papers' claims, here", style="bold")]
    for f in findings:
        line = Text.assemble((f"{f.verdict}: ", colors[f.verdict]), f"{f.claim} ({f.source})\n    ", (f.said, "dim"))
        lines.append(line)
    return Group(*lines)


def findings_markdown(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    lines = ["### The papers' claims, here", "", "| claim | source | here | figures |", "|---|---|---|---|"]
    lines += [f"| {f.claim} | {f.source} | **{f.verdict}** | {f.said} |" for f in findings]
    return "\n".join([*lines, ""])


def to_json(table: Table) -> dict[str, Any]:
    plain = asdict(table)
    for shown, row in zip(plain["rows"], table.rows, strict=True):
        shown["metrics"] = {name: metric.model_dump(mode="json") for name, metric in row.metrics.items()}
    return plain


def _rate(value: float) -> str:
    """Three digits, no exponents."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
