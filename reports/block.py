"""One block of a report (a heading, a table, notes) for the terminal, as Markdown, HTML and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal

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


PAPER = "paper"
"""The head of a column of a paper's own figures; it stands beside ours."""
Mark = Literal["best", "second"]
ACTING = re.compile(r"[\\`*~$]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|&(?=#?\w+;)|<(?=[a-zA-Z/!?])")
"""What Markdown would obey: emphasis, code, formulas, links, entities, tags. Not an underscore inside a word."""
LINKING = re.compile(
    r":(?=//)|(?i:www)(?=\.)|@(?=[\w\\-]+\.\w)|(?<![a-zA-Z0-9_])@(?=[a-zA-Z0-9])|#(?=\d)|(?i:\bgh-)(?=\d)"
)
"""Behind these begins what GitHub links, or whom it calls: addresses, mentions, issues. Not in `symmflow@5`."""
APART = "<!-- -->"
"""Ends a text there, unseen. GitHub takes an escaped or spelled out `@` for a mention all the same."""
ENTITIES = {"&": "&amp;", "<": "&lt;"}
BEGINNING = re.compile(r"^(\d*)(?=[#>+=.)-])")
"""With what a line would be a heading, a quotation or an item of a list."""
MARKED: dict[Mark, str] = {"best": "**{}**", "second": "<ins>{}</ins>"}


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
    marks: Mapping[tuple[int, int], Mark] = field(default_factory=dict)
    """What is said of the figure in a row and column, for paper: Markdown and LaTeX show it."""


def to_rich(block: Block) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    def told(said: str, style: str = "") -> Text:  # fid[...] is no markup, and what a code becomes takes room
        return Text(printable(" ".join(said.splitlines())), style=style)

    parts: list[RenderableType] = [told(block.heading, "bold")]
    if block.warning:
        parts.append(told(f"!! {block.warning}", "bold red"))
    if block.rows:
        rows = [[told(cell, STYLES.get(cell, "")) for cell in row] for row in block.rows]
        parts.append(Narrow([*map(told, block.headers)], rows, block.left, figures(block.headers)))
    return Group(*parts, *[told(note, "dim") for note in block.notes])


def figures(headers: Sequence[str]) -> list[list[int]]:
    """The columns of figures, each with the paper's own beside it."""
    found = [i for i, header in enumerate(headers) if header.endswith(("↑", "↓"))]
    return [[i, i + 1] if headers[i + 1 : i + 2] == [PAPER] else [i] for i in found]


def to_markdown(block: Block) -> str:
    lines = [f"### {escaped(block.heading)}", ""]
    if block.warning:
        lines += [f"> **{escaped(block.warning)}**", ""]
    if block.rows:
        aligned = ["---" if i in block.left else "---:" for i in range(len(block.headers))]
        shown = [[_marked(cell, block.marks.get((i, j))) for j, cell in enumerate(r)] for i, r in enumerate(block.rows)]
        lines += ["| " + " | ".join(row) + " |" for row in (list(map(escaped, block.headers)), aligned, *shown)]
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


def figure(cell: str) -> tuple[str, str]:
    """The value of a cell, and its interval in brackets: `97.3`, `[95.1, 98.5]`."""
    value, _, interval = cell.partition(" [")
    return value, f"[{interval}" if interval else ""


def _marked(cell: str, mark: Mark | None) -> str:
    if mark is None:
        return escaped(cell)
    value, interval = figure(cell)
    return f"{MARKED[mark].format(escaped(value))} {interval}".strip()


def escaped(text: str, *, table: bool = True) -> str:
    """A text for one line of Markdown (GitHub's), shown there as it is; in a table a bar would end its cell."""
    line = ACTING.sub(lambda found: ENTITIES.get(found[0], f"\\{found[0]}"), printable(" ".join(text.splitlines())))
    line = LINKING.sub(rf"\g<0>{APART}", line)
    return line.replace("|", "\\|") if table else BEGINNING.sub(r"\1\\", line.lstrip())
