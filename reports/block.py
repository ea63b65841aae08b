"""One block of a report (a heading, a table, notes) for the terminal, as Markdown, HTML and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ..symmflow.names import printable
from .narrow import Narrow

if TYPE_CHECKING:
    from rich.console import RenderableType

STYLES = {
    "better": "green",
    "worse": "red",
    "equivalent": "cyan",
    "inconclusive": "yellow",
    "holds": "green",
    "does not hold": "red",
    "cannot be told": "yellow",
    "yes": "green",
}
"""Colours of words that stand alone in a cell."""


@dataclass(frozen=True)
class Block:
    """What a reader sees of one result, and the same for machines."""

    kind: str
    """Its key in the JSON: `tables`, `verdicts`, `findings`, ..."""
    heading: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    data: Sequence[Any]
    """Plain values, appended to the other blocks of this kind."""
    notes: Sequence[str] = ()
    warning: str = ""
    """Stamped above the table."""
    left: Sequence[int] = field(default=(0,))
    """Columns of text; the others are figures and stand right."""


def to_rich(block: Block) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(block.heading, style="bold")]
    if block.warning:
        parts.append(Text(f"!! {block.warning}", style="bold red"))
    if block.rows:
        headers = [Text(header) for header in block.headers]
        rows = [[Text(cell, style=STYLES.get(cell, "")) for cell in row] for row in block.rows]  # fid[...] is no markup
        figures = [i for i, header in enumerate(block.headers) if header.endswith(("↑", "↓"))]
        parts.append(Narrow(headers, rows, block.left, names=figures[0] if figures else len(headers)))
    return Group(*parts, *[Text(note, style="dim") for note in block.notes])


def to_markdown(block: Block) -> str:
    lines = [f"### {escaped(block.heading)}", ""]
    if block.warning:
        lines += [f"> **{escaped(block.warning)}**", ""]
    if block.rows:
        aligned = ["---" if i in block.left else "---:" for i in range(len(block.headers))]
        cells = [list(map(escaped, row)) for row in (block.headers, *block.rows)]
        lines += ["| " + " | ".join(row) + " |" for row in (cells[0], aligned, *cells[1:])]
        lines.append("")
    return "\n".join([*lines, *[f"{escaped(note, table=False)}  " for note in block.notes], ""])


def to_html(blocks: Sequence[Block]) -> str:
    """For notebooks."""
    parts = []
    for block in blocks:
        parts.append(f"<h4>{escape(block.heading)}</h4>")
        if block.warning:
            parts.append(f"<p><strong>{escape(block.warning)}</strong></p>")
        if block.rows:
            sides = ["left" if i in block.left else "right" for i in range(len(block.headers))]
            parts.append("<table>")
            for tag, cells in (("th", block.headers), *(("td", row) for row in block.rows)):
                row = (f'<{tag} style="text-align: {s}">{escape(c)}</{tag}>' for s, c in zip(sides, cells, strict=True))
                parts.append(f"<tr>{''.join(row)}</tr>")
            parts.append("</table>")
        parts += [f"<p>{escape(note)}</p>" for note in block.notes]
    return "\n".join(parts)


def to_json(blocks: Sequence[Block]) -> str:
    """An object of lists, a kind each."""
    found: dict[str, list[Any]] = {"tables": [], "findings": []}
    for block in blocks:
        found.setdefault(block.kind, []).extend(block.data)
    return json.dumps(found, indent=2)


def escaped(text: str, *, table: bool = True) -> str:
    """A text for one line of Markdown; in a table a bar would end its cell. Tags of HTML are shown, not obeyed."""
    line = re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", printable(" ".join(text.splitlines())))
    return line.replace("|", "\\|") if table else line
