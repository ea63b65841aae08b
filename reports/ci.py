"""A gate's checks for people and machines: text, Markdown, JSON, JUnit XML, GitHub annotations."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from ..symmflow.names import printable
from . import block

if TYPE_CHECKING:
    from rich.console import RenderableType

Outcome = Literal["pass", "failure", "error", "warning", "skipped"]
"""JUnit's words, `error` is what could not be measured, `skipped` what decides nothing; and `warning`, what fails
nothing and wants to be seen."""
COLORS: dict[Outcome, str] = {
    "pass": "green",
    "failure": "bold red",
    "error": "bold yellow",
    "warning": "yellow",
    "skipped": "dim",
}
LEVELS: dict[Outcome, str] = {"failure": "error", "error": "warning", "warning": "warning", "skipped": "notice"}
"""GitHub's annotations."""


@dataclass(frozen=True)
class Check:
    """One check."""

    cell: str
    metric: str
    """Empty: it is about the whole cell."""
    status: str
    outcome: Outcome
    said: str
    data: Mapping[str, Any]
    """Plain values: the check in JSON."""


@dataclass(frozen=True)
class Page:
    """All checks and what they come to."""

    verdict: str
    exit_code: int
    checks: Sequence[Check]
    covers: Sequence[str]
    """Which sources of chance the intervals speak of."""


def summary(page: Page) -> str:
    """`regression: 1 regression, 5 pass`."""
    counts = Counter(c.status for c in page.checks)
    return f"{page.verdict}: {', '.join(f'{n} {status}' for status, n in counts.items())}"


def to_text(page: Page) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "cell", "metric", "found"):
        table.add_column(column, overflow="fold")
    for c in page.checks:
        table.add_row(Text(c.status, style=COLORS[c.outcome]), Text(c.cell), Text(c.metric), Text(c.said))
    style = "bold red" if page.exit_code else "green" if page.verdict == "pass" else "yellow"
    return Group(table, Text(_covered(page), style="dim"), Text(summary(page), style=style))


def to_markdown(page: Page) -> str:
    lines = [f"### symmbench gate: {summary(page)}", "", "| | cell | metric | found |", "|---|---|---|---|"]
    cells = [[block.escaped(text) for text in (c.status, c.cell, c.metric, c.said)] for c in page.checks]
    lines += [f"| {' | '.join(row)} |" for row in cells]
    lines += ["", _covered(page)]
    return "\n".join([*lines, ""])


def _covered(page: Page) -> str:
    return f"95 % intervals cover {', '.join(page.covers)}" if page.covers else ""


def to_html(page: Page) -> str:
    """For notebooks."""
    rows = [[c.status, c.cell, c.metric, c.said] for c in page.checks]
    notes = [covered] if (covered := _covered(page)) else []
    return block.to_html([block.Block("gate", summary(page), ["", "cell", "metric", "found"], rows, [], notes)])


def to_json(page: Page) -> str:
    checks = [c.data for c in page.checks]
    return json.dumps({"verdict": page.verdict, "exit_code": page.exit_code, "checks": checks}, indent=2)


def to_junit(page: Page) -> str:
    """JUnit XML: a test case a check."""
    found = Counter(c.outcome for c in page.checks)
    counts = {"tests": len(page.checks), "failures": found["failure"], "errors": found["error"]}
    shown = {name: str(n) for name, n in counts.items()}
    root = ElementTree.Element("testsuites", shown)
    attributes = {"name": "symmbench gate", **shown, "skipped": str(found["skipped"] + found["warning"])}
    suite = ElementTree.SubElement(root, "testsuite", attributes)
    for c in page.checks:
        case = ElementTree.SubElement(suite, "testcase", {"classname": _xml(c.cell), "name": c.metric or "cell"})
        said = _xml(c.said)
        if c.outcome == "pass":
            ElementTree.SubElement(case, "system-out").text = said
        elif c.outcome in ("skipped", "warning"):
            ElementTree.SubElement(case, "skipped", {"message": f"{c.status}: {said}"})
        else:
            ElementTree.SubElement(case, c.outcome, {"message": said, "type": c.status}).text = said
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold, or that steer who shows it."""
    return re.sub(r"[\ufffe\uffff]", "", printable(text))


def to_github(page: Page) -> str:
    """Workflow commands, one line a check that is not fine, and a closing line."""
    lines = []
    for c in page.checks:
        if c.outcome != "pass":
            title = _property(f"{c.status}: {c.cell}{f' {c.metric}' if c.metric else ''}")
            lines.append(f"::{LEVELS[c.outcome]} title={title}::{_data(c.said)}")
    level = "error" if page.exit_code else "notice" if page.verdict == "pass" else "warning"
    return "\n".join([*lines, f"::{level} title=symmbench gate::{_data(summary(page))}"])


def _data(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
