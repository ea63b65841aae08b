"""The cells of a job made whole in a store where other processes may make them, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from ...symmflow.locks import acquire, holder, is_free
from ..records import Cell, Evidence, Generation, Shard, Store, begin, joined, provenance, write_shard
from ..records.shards import clear, keep, kept, lock_path, unmade
from .due import Due
from .share import Share

if TYPE_CHECKING:
    from .evaluate import Evaluator

EVERY = 20.0
"""Seconds after which finished batches of an open shard are kept on disk."""


@dataclass
class Work:
    """The evaluation of a job's cells, each into its own folder of evidence.

    A pass makes those of some shards that are missing and that nobody else makes; `busy` are the locks of the others.
    When a pass over all of them finds none missing and none busy, the evidence is whole, whoever made it.
    """

    due: Due
    store: Store
    fill: dict[str, Generation]
    """Which evidence, by the key of a cell."""
    share: Share = field(default_factory=Share)
    first: int = 0
    """Shards of the jobs before it in the request."""
    busy: list[Path] = field(default_factory=list)
    gaps: int = 0
    images: int = 0
    """Evaluated here."""

    @classmethod
    def begin(cls, due: Due, store: Store, share: Share, first: int) -> Work:
        made_by = due.by.evidence
        fill = {c.key: store.to_fill(c, made_by, anew=c.key in due.anew) for c in due.evaluate}
        return cls(due, store, fill, share, first)

    @property
    def shards(self) -> int:
        return self.due.job.shards

    @property
    def own(self) -> list[int]:
        """The shards with which this process begins."""
        return [number for number in range(self.shards) if self.share.owns(self.first + number)]

    @property
    def every(self) -> list[int]:
        """Every shard; those of the other processes from their ends, since they begin at the front."""
        return sorted(range(self.shards), reverse=not self.share.alone)

    @property
    def cells(self) -> list[Cell]:
        """Those for which nobody has the answer yet."""
        return [cell for cell in self.due.evaluate if not self._answered(cell)]

    @property
    def real(self) -> Path:
        """Where the evidence of the real images lies."""
        return self.store.reference(self.due.job.protocol.hash, self.due.by.reference) / "evidence"

    def folder(self, cell: Cell) -> Path:
        return self.store.path(cell) / self.fill[cell.key].name

    def missing(self, cells: Sequence[Cell], numbers: Sequence[int]) -> dict[int, list[Cell]]:
        """By shard, of some of them, the cells that lack it."""
        gaps = [(cell, unmade(self.folder(cell), self.shards)) for cell in cells]
        lacking = {number: [cell for cell, gap in gaps if number in gap] for number in numbers}
        return {number: found for number, found in lacking.items() if found}

    def lacking(self, cells: Sequence[Cell], numbers: Sequence[int]) -> set[int]:
        """The shards, of some of them, that are not made: of a cell, or of the real images."""
        real = unmade(self.real, self.shards) if self.due.job.task.looks_at_real and cells else set[int]()
        return set(self.missing(cells, numbers)) | real.intersection(numbers)

    def is_others(self, cells: Sequence[Cell], numbers: Sequence[int]) -> bool:
        """Whether everything that is missing is made by others at the moment; their locks are in `busy`."""
        by_shard = self.missing(cells, numbers).items()
        locks = [lock_path(self.folder(cell), number) for number, lacking in by_shard for cell in lacking]
        self.busy = [lock for lock in locks if lock.exists() and not is_free(lock)]
        return bool(locks) and len(self.busy) == len(locks)

    def once(
        self, evaluator: Evaluator, cells: Sequence[Cell], numbers: Sequence[int], advance: Callable[[int], None]
    ) -> None:
        """One pass over those of some shards that some cells lack."""

        def tell(images: int) -> None:
            self.images += images
            advance(images)

        self.busy = []
        folders = {self.folder(cell): cell for cell in cells}
        for folder, cell in folders.items():
            begin(folder, cell)
        for number in numbers:
            lacking = [f for f, c in folders.items() if self._lacks(f, number) and not self._answered(c)]
            with self._claimed(lacking, number) as mine:
                if mine:
                    self._shard(evaluator, number, {folder: folders[folder] for folder in mine}, tell)

    def look_at_real(self, evaluator: Evaluator, numbers: Sequence[int]) -> Evidence | None:
        """Make what is missing of some shards of the evidence of the real images; None where the task has none.

        It is made once a store and name, which says by whose eyes, however many cells and processes need it.
        """
        if not self.due.job.task.looks_at_real:
            return None
        for number in numbers:
            lacking = [self.real] if self._lacks(self.real, number) else []
            with self._claimed(lacking, number) as mine:
                for folder in mine:
                    write_shard(folder, number, evaluator.real_shard(number))
        if not self.busy and not unmade(self.real, self.shards):
            clear(self.real)
        return Evidence(self.real, self.shards)

    def has_gap(self, cell: Cell) -> bool:
        """Whether the evidence of a cell gave way to a later one, or somebody took of it."""
        return self._answered(cell) or bool(unmade(self.folder(cell), self.shards))

    def once_more(self) -> bool:
        """After a gap. Raises `InputError` where making again what is missing does not close it."""
        self.gaps += 1
        if self.gaps > 3:
            (where, *_) = map(self.folder, self.cells)
            raise InputError(f"{where} does not become whole: its shards have unequal tables; remove it and run again.")
        return True

    def _lacks(self, folder: Path, number: int) -> bool:
        return number in unmade(folder, self.shards)

    def _answered(self, cell: Cell) -> bool:
        return self.store.answered(cell, self.fill[cell.key]) is not None

    @contextmanager
    def _claimed(self, folders: Sequence[Path], number: int) -> Iterator[list[Path]]:
        """Those of the folders whose shard nobody else makes, for as long as we do."""
        with ExitStack() as locks:
            mine = []
            for folder in folders:
                if (lock := acquire(lock_path(folder, number))) is None:
                    self.busy.append(lock_path(folder, number))
                    continue
                locks.enter_context(lock)
                if self._lacks(folder, number):  # by now
                    mine.append(folder)
            yield mine

    def _shard(
        self, evaluator: Evaluator, number: int, folders: Mapping[Path, Cell], tell: Callable[[int], None]
    ) -> None:
        """Evaluate a shard of some cells at once, going on after the batches that all of them have."""
        found = {folder: kept(folder, number) for folder in folders}
        start = max(set.intersection(*(set(chains) for chains in found.values())))
        parts = {folder: list(chains[start]) for folder, chains in found.items()}
        open_: dict[Path, list[Shard]] = {folder: [] for folder in folders}
        since, done, kept_at = start, start, time.monotonic()
        machine = {**provenance.machine(evaluator.device), **evaluator.beside}
        maker = {"machine": machine, "share": self.share.title}

        def put_by() -> None:
            for folder, made in open_.items():
                if made:
                    parts[folder].append(joined(made))
                    keep(folder, number, since, done, parts[folder][-1])
                    made.clear()

        try:
            for done, made in evaluator.batches(number, [cell.steps for cell in folders.values()], start, tell):
                for folder, cell in folders.items():
                    one = made[cell.steps]
                    open_[folder].append(Shard(one.tables, [{**batch, **maker} for batch in one.batches]))
                if since == start == 0 and number == 0:
                    self._preview(evaluator, folders)
                if time.monotonic() - kept_at > EVERY:
                    put_by()
                    since, kept_at = done, time.monotonic()
        except KeyboardInterrupt:
            put_by()
            raise
        for folder in folders:
            write_shard(folder, number, joined([*parts[folder], *open_[folder]]))

    def _preview(self, evaluator: Evaluator, folders: Mapping[Path, Cell]) -> None:
        for folder, cell in folders.items():
            if not self.due.job.card.is_points and not (folder / "preview.png").exists():
                write_atomically(folder / "preview.png", evaluator.preview(cell.steps))


def wait(works: Sequence[Work], say: Callable[[str], None]) -> None:
    """Wait until one of the shards that others make is made, or its maker is gone; `say` is told whom we wait for."""
    busy = list(dict.fromkeys(lock for work in works for lock in work.busy))
    if not busy:
        return
    shards = f"{len(busy)} shard{'s' if len(busy) > 1 else ''}"
    say(f"waiting for {shards} that {' and '.join(sorted(set(map(holder, busy))))} evaluates.")
    while all(lock.exists() and not is_free(lock) for lock in busy):
        time.sleep(0.2)
