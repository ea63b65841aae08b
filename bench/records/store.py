"""The store: a folder of records, evidence beside each, in which several processes may work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from tempfile import TemporaryFile
from typing import ParamSpec, TypeVar

from ...symmflow.errors import InputError, Unwritable, note
from ...symmflow.files import ASIDE, remove_left, write_atomically
from ...symmflow.locks import Lock, acquire
from ..protocols import Protocol, read_protocol
from .cell import Cell
from .evidence import Evidence, Replaced, shard_count
from .record import Record, read_record
from .shards import Generation, begun, clear, in_use, unmade
from .whole import check_samples

RECORD, FAILURE = "record.json", "failure.json"
P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """A folder of records: `<data set>/<task>/<cell>/record.json`, evidence beside it. Mergeable by copying.

    The record names the folder of its evidence, so that one rename of a file takes the place of an earlier evaluation;
    what that one left goes afterwards. Whoever finds an evaluation whole commits it. Locks spare double work, and no
    more: a record whose evidence another one removed is not finished, and is made again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make sure that the folder can be written, before work is spent."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.root):  # has no name that could stay
                pass
            shutil.rmtree(self.root / ".again", ignore_errors=True)  # where 0.1 evaluated again
        except OSError as error:
            raise Unwritable(self.root, error) from None

    def path(self, cell: Cell) -> Path:
        return self.root / cell.folder

    def reference(self, protocol: str, name: str = "") -> Path:
        """Where the evidence of the real images under a protocol lies; `name`: see `Record.reference`."""
        return self.root / "protocols" / "-".join([protocol, "reference", *([name] if name else [])])

    def statistics(self, protocol: str) -> Path:
        """Where the mean and covariance lie that a protocol of such a reference holds syntheses against."""
        return self.root / "protocols" / f"{protocol}-statistics.npz"

    def read(self, cell: Cell) -> Record | None:
        """The record of a cell, finished or not; one that cannot be read is named, and counts as none."""
        path = self.path(cell) / RECORD
        if not path.is_file():
            return None
        try:
            record = read_record(path)
        except InputError as error:
            note(str(error).rstrip("."))
            return None
        return record if record.key == cell.key else None

    def get(self, cell: Cell) -> Record | None:
        """The finished record of a cell, if there is one."""
        record = self.read(cell)
        return record if record and Stored(record, self.path(cell)).finished else None

    def put(self, cell: Cell, record: Record) -> None:
        write_atomically(self.path(cell) / RECORD, _text(record))

    def to_fill(self, cell: Cell, made_by: str, *, anew: bool) -> Generation:
        """Which evidence an evaluation fills: one that was begun by the same code, or a new one.

        `anew`: not what the record has already.
        """
        record, there = self.read(cell), [g for g in self._generations(cell) if g.made_by == made_by]
        now = Generation.of(record.evidence) if record else None
        if anew and record is None and (self.path(cell) / RECORD).is_file():  # nobody knows what it was made of
            return Generation(made_by, 1 + max((g.number for g in there), default=-1))
        if now is None or now.made_by != made_by:
            return max(there, key=lambda g: g.number, default=Generation(made_by, 0))
        if not anew:
            return now
        later = [g for g in there if g.number > now.number]
        return max(later, key=lambda g: g.number, default=Generation(made_by, now.number + 1))

    def has_others(self, cell: Cell, made_by: str) -> bool:
        """Whether other code or libraries began an evaluation that no record names."""
        record = self.read(cell)
        named = record.evidence if record else ""
        return any(g.made_by != made_by and g.name != named for g in self._generations(cell))

    def answered(self, cell: Cell, asked: Generation) -> Record | None:
        """The finished record that an evaluation would give, or a later one by the same code."""
        record = self.get(cell)
        found = Generation.of(record.evidence) if record else None
        return record if found and found.made_by == asked.made_by and found.number >= asked.number else None

    def commit(self, cell: Cell, record: Record) -> bool:
        """Make this the record of its cell, and remove what it takes the place of; False if its evidence has a gap."""
        folder, asked = self.path(cell), Generation.of(record.evidence)
        with self._lock(cell):
            if asked and self.answered(cell, asked):
                return True
            if not Stored(record, folder).finished:
                return False
            before = self.read(cell)
            with suppress(FileNotFoundError):
                (folder / record.evidence / "preview.png").replace(folder / "preview.png")
            self.put(cell, record)
            (folder / FAILURE).unlink(missing_ok=True)
            if before and before.evidence != record.evidence:
                shutil.rmtree(folder / before.evidence, ignore_errors=True)
            clear(folder / record.evidence)
        return self.get(cell) is not None

    def fail(self, cell: Cell, record: Record) -> Stored:
        """Keep the record of a failure; beside figures where there are some."""
        with self._lock(cell):
            stands = self.read(cell)
            path = self.path(cell) / (FAILURE if stands and stands.status == "ok" else RECORD)
            write_atomically(path, _text(record))
            return Stored(read_record(path), path.parent)

    def tidy(self, cell: Cell, made_by: str) -> None:
        """Remove what cut evaluations left of a cell: by other code or older than the record, and nobody's any more."""
        folder, record = self.path(cell), self.read(cell)
        named = record.evidence if record else ""
        now = Generation.of(named)
        after = now.number if now and now.made_by == made_by else -1
        others = [generation for generation in self._generations(cell) if generation.name != named]
        old = [generation for generation in others if generation.made_by != made_by or generation.number < after]
        left = [folder, *([folder / named] if record and record.status == "ok" else [])]
        left = [one for one in left if one.is_dir() and any(_is_left(path.name) for path in one.iterdir())]
        if not (old or left) or (lock := acquire(self._lock_path(cell))) is None:
            return
        with lock:
            for generation in old if lock.held else ():
                if not in_use(folder / generation.name):
                    shutil.rmtree(folder / generation.name, ignore_errors=True)
            for one in left:
                remove_left(one) if one == folder else clear(one)

    def put_protocol(self, protocol: Protocol) -> None:
        path = self.root / "protocols" / f"{protocol.hash}.json"
        if not path.is_file():
            write_atomically(path, protocol.model_dump_json(indent=2) + "\n")

    def protocol(self, record: Record) -> Protocol:
        """The whole protocol of a record."""
        name = record.protocol["hash"]
        found = read_protocol(name, [self.root])
        if found is None:
            file = self.root / "protocols" / f"{name}.json"
            raise InputError(f"{file} is missing; copy the folder protocols/ together with the records.")
        return found

    def forget(self, cell: Cell) -> None:
        """Drop a cell: first its record, then its evidence."""
        try:
            with self._lock(cell):
                (self.path(cell) / RECORD).unlink(missing_ok=True)
            shutil.rmtree(self.path(cell))
        except OSError as error:
            raise Unwritable(self.path(cell), error) from None

    def items(self, refused: Callable[[InputError], None] | None = None) -> Iterator[Stored]:
        """Every record with the folder of its cell. `refused` is told of those that cannot be read; default: a note."""
        for path in sorted(self.root.glob(f"*/*/*/{RECORD}")):
            try:
                yield Stored(read_record(path), path.parent)
            except InputError as error:
                if refused is None:
                    note(f"{str(error).rstrip('.')}; it is left out")
                else:
                    refused(error)

    def unfinished(self) -> Iterator[Cell]:
        """Cells whose evaluation was begun, and that have no record."""
        for path in sorted(self.root.glob("*/*/*/evidence-*/cell.json")):
            with suppress(InputError):
                if not (path.parents[1] / RECORD).exists():
                    yield begun(path.parent)

    def _generations(self, cell: Cell) -> list[Generation]:
        try:
            return [g for path in self.path(cell).iterdir() if (g := Generation.of(path.name))]
        except OSError:
            return []

    def _lock_path(self, cell: Cell) -> Path:
        return self.path(cell) / ".record.lock"

    def _lock(self, cell: Cell) -> Lock:
        lock = acquire(self._lock_path(cell), wait=True)
        assert lock is not None
        return lock


@dataclass(frozen=True)
class Stored:
    """A record and the folder of its cell, where its evidence lies."""

    record: Record
    folder: Path

    @cached_property
    def store(self) -> Store:
        return Store(self.folder.parents[2])

    @cached_property
    def evidence(self) -> Evidence:
        shards, protocol = shard_count(self.record.n), self.record.protocol["hash"]
        real = Evidence(self.store.reference(protocol, self.record.reference) / "evidence", shards)
        given = self.store.statistics(protocol)
        own = self.folder / self.record.evidence
        return Evidence(own, shards, real, self._named, given if given.is_file() else None)

    @property
    def finished(self) -> bool:
        """Whether figures stand on evidence that is whole, here beside them."""
        real = self.evidence.reference.folder if self.record.reference and self.evidence.reference else None
        folders = [self.evidence.folder, *([real] if real else [])]
        return self.record.status == "ok" and not any(unmade(folder, self.evidence.shards) for folder in folders)

    def check(self) -> None:
        """Raise `InputError` where the evidence is not of as many samples as the record says."""
        check_samples(self.evidence, self.record.n, self.record.samples_per_mask)

    def rewrite(self, record: Record) -> None:
        """Put other figures of the same evidence in the record's place, unless there is another record by now."""
        path = self.folder / RECORD
        lock = acquire(self.folder / ".record.lock", wait=True)
        assert lock is not None
        with lock:
            if read_record(path).is_same(self.record):
                write_atomically(path, _text(record))

    def _named(self) -> str:
        try:
            return read_record(self.folder / RECORD).evidence
        except InputError:
            return ""


def read_stored(
    folders: Sequence[Path],
    replaced: list[Record] | None = None,
    refused: Callable[[InputError], None] | None = None,
) -> list[Stored]:
    """The cells of one or more stores, each key once, the newest record counting; `replaced` collects the older ones
    whose figures it does not repeat, `refused` is told of those that cannot be read (by default a note names them)."""
    newest: dict[str, Stored] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no results folder {folder}; `bench run` makes one.")
        for stored in Store(folder).items(refused):
            record, other = stored.record, newest.get(stored.record.key)
            if other is None or other.record.created < record.created:
                newest[record.key] = stored
            if replaced is not None and other is not None and other.record.metrics != record.metrics:
                replaced.append(other.record if newest[record.key] is stored else record)
    if not newest:
        begun = any(True for folder in folders for _ in Store(folder).unfinished())
        helps = "cells were begun, which the same `bench run` goes on with" if begun else "`bench run` makes some"
        raise InputError(f"there are no records in {', '.join(map(str, folders))}; {helps}.")
    return list(newest.values())


def steadily(read: Callable[P, T]) -> Callable[P, T]:
    """What `read` makes of stores; again, where a newer evaluation took the place of what it was reading."""

    @wraps(read)
    def again(*args: P.args, **given: P.kwargs) -> T:
        for _ in range(20):
            with suppress(Replaced):
                return read(*args, **given)
        return read(*args, **given)

    return again


def _is_left(name: str) -> bool:
    return name.endswith(".lock") or name.startswith("batches-") or ASIDE.fullmatch(name) is not None


def _text(record: Record) -> str:
    return record.model_dump_json(indent=2) + "\n"
