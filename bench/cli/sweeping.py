"""Progress of a sweep: bars on a terminal; elsewhere, as in a log file, a line a cell and a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..run.sweep import Progress
from .progress import bars, console

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from ..records import Record
    from ..run.due import Due

MINUTE = 60.0


class Lines(Progress):
    """A line a cell and a minute, with which cell of how many it is, and about how long the rest takes."""

    def __init__(self) -> None:
        self.cells, self.done = 0, 0
        self.ahead: list[tuple[str, float]] = []
        """The jobs that have not begun, and what each costs, in steps of a sample."""
        self.cost, self.spent, self.began = 0.0, 0.0, time.monotonic()
        self.title, self.total, self.images, self.before = "", 0, 0, 0
        self.spoke = self.began

    def say(self, line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    def begin(self, due: Sequence[Due]) -> None:
        self.cells, self.ahead = sum(len(one.evaluate) for one in due), [(one.job.title, _cost(one)) for one in due]
        if self.cells:
            self.say(f"{self.cells} cell{'s' if self.cells > 1 else ''} to evaluate; loading ...")

    def job(self, title: str, total: int, done: int) -> None:
        self.title, self.total, self.images, self.before = title, total, done, done
        self.cost = 0.0
        while self.ahead and not self.cost:  # one that could not be loaded does not begin
            name, cost = self.ahead.pop(0)
            self.cost = cost if name == title else 0.0
        self.began = time.monotonic() if not self.spent else self.began  # loading is no measure of the rest

    def advance(self, images: int) -> None:
        self.images += images
        self.spent += self.cost * images / self.total
        if time.monotonic() - self.spoke > MINUTE:
            self._line(f"{self.title}: {self.images:,} of {self.total:,} images")

    def finished(self, record: Record) -> None:
        self.done += 1
        figures = f"{record.n:,} images" if record.status == "ok" else record.status
        self._line(f"{record.dataset}/{record.task} {record.title}: {figures}", counted=True)

    @property
    def place(self) -> str:
        """`3 of 9`: the cell that is worked on."""
        return f"{min(self.done + 1, self.cells)} of {self.cells}"

    @property
    def left(self) -> str:
        """`, about 4 min left`; empty where nothing is known of it."""
        rest = sum(cost for _, cost in self.ahead) + self.cost * (1 - self.images / self.total if self.total else 0)
        if not self.spent or not rest:
            return ""
        seconds = rest * (time.monotonic() - self.began) / self.spent
        return f", about {duration(seconds)} left"

    def _line(self, said: str, counted: bool = False) -> None:
        place = f"{self.done} of {self.cells}" if counted else self.place
        print(f"cell {place}: {said}{self.left}", file=sys.stderr, flush=True)
        self.spoke = time.monotonic()


class OnTerminal(Lines):
    """A bar a job, and one for all."""

    def __init__(self, shown: Bars) -> None:
        super().__init__()
        self.shown = shown
        self.overall = shown.add_task("", total=None, extra="", visible=False)
        self.task = self.overall
        self.start = 0.0

    def begin(self, due: Sequence[Due]) -> None:
        super().begin(due)
        self.shown.update(self.overall, description="cells", total=self.cells, visible=self.cells > 1)

    def job(self, title: str, total: int, done: int) -> None:
        super().job(title, total, done)
        self.start = time.monotonic()
        self.task = self.shown.add_task(title, total=total, completed=done, extra="")

    def advance(self, images: int) -> None:
        super().advance(images)
        rate = (self.images - self.before) / (time.monotonic() - self.start)
        self.shown.update(self.task, completed=self.images, extra=f"{rate:,.0f} images/s")
        self.shown.update(self.overall, extra=self.left.removeprefix(", "))

    def _line(self, said: str, counted: bool = False) -> None:
        self.shown.update(self.overall, completed=self.done, extra=self.left.removeprefix(", "))


@contextmanager
def sweep_progress(*, silent: bool = False) -> Iterator[Progress]:
    """On standard error: bars with images/s and the time left if it is a terminal, else lines."""
    if silent:
        yield Progress()
        return
    shown = bars()
    if not console.is_terminal:
        yield Lines()
        return
    with shown:
        yield OnTerminal(shown)


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _cost(due: Due) -> float:
    """What the open cells of a job cost, in steps of a sample: networks are taken to be alike."""
    return sum(due.job.protocol.n * cell.samples_per_mask * (cell.steps or 1.0) for cell in due.evaluate)
