"""Tables and bars on a terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from .terminal import Console

if TYPE_CHECKING:
    from ...reports.block import Block

console = Console(stderr=True)


def stdout() -> Console:
    """Standard output: as wide as the terminal; wide enough for any table where it is a pipe or a file."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=220)


def rendered(page: RenderableType) -> str:
    """As plain text, for a file."""
    text = io.StringIO()
    Console(width=160, file=text).print(page)
    return text.getvalue()


def print_blocks(blocks: Sequence[Block]) -> None:
    from ...reports.block import to_rich

    for block in blocks:
        stdout().print(to_rich(block))


def print_table(rows: Sequence[Mapping[str, Any]], title: str = "") -> None:
    """Rows of equal keys; a value may be a text with its style."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=Text(title) if title else None, title_justify="left")
    for name in rows[0] if rows else ["nothing"]:
        table.add_column(name, overflow="fold")
    for row in rows:  # Text: fid[...] is no markup
        table.add_row(
            *[
                Text(*v) if isinstance(v, tuple) else Text(", ".join(map(str, v)) if isinstance(v, list) else str(v))
                for v in row.values()
            ]
        )
    stdout().print(table)


def bars() -> Bars:
    return Bars(
        TextColumn("{task.description}", markup=False),  # semflow[unperturbed] is no markup
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[extra]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
