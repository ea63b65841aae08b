"""Progress on a terminal; silence elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..run.sweep import Progress

console = Console(stderr=True)


def stdout() -> Console:
    """Standard output: as wide as the terminal; wide enough for any table where it is a pipe or a file."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=220)


class _SweepBars(Progress):
    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.task: TaskID | None = None
        self.start, self.images = 0.0, 0

    def job(self, title: str, total: int, done: int) -> None:
        self.start, self.images = time.perf_counter(), 0
        self.task = self.bars.add_task(title, total=total, completed=done, extra="")

    def advance(self, images: int) -> None:
        assert self.task is not None
        self.images += images
        rate = self.images / (time.perf_counter() - self.start)
        self.bars.update(self.task, advance=images, extra=f"{rate:,.0f} images/s")


@contextmanager
def sweep_progress(quiet: bool) -> Iterator[Progress]:
    """Bars with images/s and the time left, if standard error is a terminal."""
    if quiet or not console.is_terminal:
        yield Progress()
        return
    with bars() as shown:
        yield _SweepBars(shown)


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
