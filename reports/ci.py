"""A gate's report for people and machines: text, Markdown, JSON, JUnit XML, GitHub annotations."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..bench.compare.gate import Report

COLORS = {"pass": "green", "regression": "bold red", "extra": "dim", "unjudged": "dim"}


def summary(report: Report) -> str:
    """`regression: 1 regression, 5 pass`."""
    counts = Counter(c.status for c in report.checks)
    return f"{report.verdict}: {', '.join(f'{n} {status}' for status, n in counts.items())}"


def to_text(report: Report) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "cell", "metric", "found"):
        table.add_column(column, overflow="fold")
    for c in report.checks:
        table.add_row(Text(c.status, style=COLORS.get(c.status, "yellow")), Text(c.cell), Text(c.metric), Text(c.said))
    style = "green" if report.exit_code == 0 else "bold red"
    return Group(table, Text(_covered(report), style="dim"), Text(summary(report), style=style))


def to_markdown(report: Report) -> str:
    lines = [f"### symmbench gate: {summary(report)}", "", "| | cell | metric | found |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(_cell(text) for text in (c.status, c.cell, c.metric, c.said))} |" for c in report.checks]
    lines += ["", _covered(report)]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _covered(report: Report) -> str:
    """Which source of chance the intervals speak of."""
    covers = dict.fromkeys(c.difference.covers for c in report.checks if c.difference)
    return f"95 % intervals cover {', '.join(covers)}" if covers else ""


def to_json(report: Report) -> str:
    shown = {"verdict": report.verdict, "exit_code": report.exit_code, "checks": [asdict(c) for c in report.checks]}
    return json.dumps(shown, indent=2)


def to_junit(report: Report) -> str:
    """JUnit XML: a test case a check; regressions fail, what was not measured is an error, extra cells are skipped."""
    failures = sum(c.status == "regression" for c in report.checks)
    errors = sum(c.status in ("missing", "failed", "incomparable") for c in report.checks)
    skipped = sum(c.status in ("extra", "unjudged") for c in report.checks)
    counts = {"tests": len(report.checks), "failures": failures, "errors": errors}
    root = ElementTree.Element("testsuites", {k: str(v) for k, v in counts.items()})
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": "symmbench gate", **{k: str(v) for k, v in counts.items()}, "skipped": str(skipped)}
    )
    for c in report.checks:
        case = ElementTree.SubElement(suite, "testcase", {"classname": _xml(c.cell), "name": c.metric or "cell"})
        kind = {"regression": "failure", "extra": "skipped", "unjudged": "skipped", "pass": None}.get(c.status, "error")
        said = _xml(c.said)
        if kind == "skipped":
            ElementTree.SubElement(case, kind, {"message": said})
        elif kind:
            ElementTree.SubElement(case, kind, {"message": said, "type": c.status}).text = said
        else:
            ElementTree.SubElement(case, "system-out").text = said
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def to_github(report: Report) -> str:
    """Workflow commands, one line a check that is not fine, and a closing line."""
    lines = []
    for c in report.checks:
        if c.status != "pass":
            level = {"regression": "error", "extra": "notice", "unjudged": "notice"}.get(c.status, "warning")
            title = _property(f"{c.status}: {c.cell}{f' {c.metric}' if c.metric else ''}")
            lines.append(f"::{level} title={title}::{_data(c.said)}")
    level = "notice" if report.exit_code == 0 else "error"
    return "\n".join([*lines, f"::{level} title=symmbench gate::{_data(summary(report))}"])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
