"""Tables and bars on a terminal."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Column

from ...symmflow.names import printable
from .terminal import Console

if TYPE_CHECKING:
    from ...reports.block import Block

console = Console(stderr=True)


UNFOLDED = 100_000
"""Columns in which any table has room."""


def stdout(*, wide: bool = False) -> Console:
    """Standard output: as wide as the terminal, or $COLUMNS; else, a pipe or a file, enough for most tables."""
    shown = Console(highlight=False, width=UNFOLDED if wide else None)
    asked = wide or shown.is_terminal or os.environ.get("COLUMNS", "").isdecimal()
    return shown if asked else Console(highlight=False, width=220)


def rendered(page: RenderableType) -> str:
    """As plain text, for a file."""
    text = io.StringIO()
    Console(width=160, file=text).print(page)
    return text.getvalue()


def print_blocks(blocks: Sequence[Block], *, wide: bool = False) -> None:
    """`wide`: whole, whatever the width, for a pager."""
    from ...reports.block import to_rich

    for block in blocks:
        stdout(wide=wide).print(to_rich(block))


def print_table(
    rows: Sequence[Mapping[str, Any]], title: str = "", *, wide: bool = False, spare: Sequence[str] = ()
) -> None:
    """Rows of equal keys; a value may be a text with its style.

    Where the terminal is too narrow, the columns of `spare` are left out, as few as will do; else it is a block a row.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ...reports.narrow import fits, turned

    def told(value: Any) -> Text:  # fid[...] is no markup, and what a code becomes takes room
        said, *style = value if isinstance(value, tuple) else (value,)
        return Text(printable(", ".join(map(str, said)) if isinstance(said, list) else str(said)), *style)

    def texts() -> tuple[list[Text], list[list[Text]]]:
        return [told(name) for name in names], [[told(row[name]) for name in names] for row in rows]

    if not rows:
        print("none.")
        return
    names, shown, left_out = list(rows[0]), stdout(wide=wide), list[str]()
    while len(left_out) < len(spare) and not fits(*texts(), shown.width):
        left_out.append(spare[len(left_out)])
        names.remove(left_out[-1])
    if len(names) > 1 and not fits(*texts(), shown.width):
        names = list(rows[0])
        for line in ([Text(title)] if title else []) + list(turned(*texts())):
            shown.print(line, soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=Text(title) if title else None, title_justify="left")
    headers, cells = texts()
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in cells:
        table.add_row(*row)
    shown.print(table)
    if left_out:
        shown.print(Text(f"not shown for want of room: {', '.join(left_out)} (--wide).", style="dim"))


class Reading:
    """Says in a line, now and then, how far the files are that are read for a manifest for the first time."""

    def __init__(self, every: float) -> None:
        self.every, self.spoke = every, time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self.spoke > self.every:
            self.spoke = time.monotonic()
            console.print(f"reading {what} for the first time: {done:,} of {total:,}", highlight=False, markup=False)


@contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    """Told of something, how many of it are done, and all: a bar each."""
    with bars() as shown:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=total, extra="")
            shown.update(tasks[name], completed=done, total=total)

        yield tell


@contextmanager
def fetching() -> Iterator[Callable[[str, int, int], None]]:
    """A bar a file with its bytes; without a terminal a line when it begins."""
    begun: dict[str, TaskID] = {}
    done = set[str]()
    shown = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )

    def progress(name: str, here: int, total: int) -> None:
        if name in done:
            return
        if name not in begun:
            begun[name] = shown.add_task(name, total=total or None)
            if not console.is_terminal:
                size = f", {total:,} bytes" if total else ""
                console.print(f"fetching {name}{size}", highlight=False, markup=False, soft_wrap=True)
        shown.start()
        shown.update(begun[name], completed=here, total=total or None)
        if shown.finished:  # what comes next may draw bars of its own
            shown.stop()
            shown.remove_task(begun[name])
            done.add(name)

    try:
        yield progress
    finally:
        shown.stop()


def bars() -> Bars:
    from ...datasets.catalog import READING

    READING.set(Reading(2 if console.is_terminal else 30))
    return Bars(
        TextColumn("{task.description}", markup=False),  # semflow[unperturbed] is no markup
        BarColumn(bar_width=24 if console.width >= 120 else 6),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("{task.fields[extra]}", markup=False),
        *([TimeElapsedColumn()] if console.width >= 120 else []),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("left"),
        console=console,
        disable=not console.is_terminal,
    )
