"""The store: a folder of records, evidence beside each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...symmflow.errors import InputError, Unwritable
from ...symmflow.files import write_atomically
from ..protocols import Protocol, read_protocol
from .cell import Cell
from .evidence import Evidence, shard_count
from .record import Record, read_record


class Store:
    """A folder of records: `<data set>/<task>/<cell>/record.json`, evidence beside it. Mergeable by copying."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make sure that the folder can be written, before work is spent."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".write-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
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

    def evidence(self, folder: Path, record: Record) -> Evidence:
        """The evidence of a record whose cell lies in `folder`."""
        name, shards = record.protocol["hash"], shard_count(record.n)
        given = self.statistics(name)
        real = Evidence(self.reference(name, record.reference), shards)
        return Evidence(folder, shards, real, given if given.is_file() else None)

    def get(self, cell: Cell) -> Record | None:
        """The finished record of a cell, if there is one."""
        path = self.path(cell) / "record.json"
        if not path.is_file():
            return None
        record = read_record(path)
        return record if record.status == "ok" and record.key == cell.key else None

    def put(self, cell: Cell, record: Record) -> None:
        write_atomically(self.path(cell) / "record.json", record.model_dump_json(indent=2) + "\n")

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
        """Drop a cell's record and evidence, to evaluate it again."""
        if self.path(cell).exists():
            try:
                shutil.rmtree(self.path(cell))
            except OSError as error:
                raise Unwritable(self.path(cell), error) from None

    def move(self, cell: Cell, other: Store) -> None:
        """Put a finished cell in the place of another store's; folders that are empty now go."""
        try:
            other.forget(cell)
            other.path(cell).parent.mkdir(parents=True, exist_ok=True)
            self.path(cell).rename(other.path(cell))
        except OSError as error:
            raise Unwritable(other.path(cell), error) from None
        for folder in self.path(cell).parents[: len(cell.folder.parts)]:
            with suppress(OSError):  # not empty
                folder.rmdir()

    def items(self) -> Iterator[Stored]:
        """Every record with the folder of its cell."""
        for path in sorted(self.root.glob("*/*/*/record.json")):
            yield Stored(read_record(path), path.parent)


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
        return self.store.evidence(self.folder, self.record)


def read_stored(folders: Sequence[Path], replaced: list[Record] | None = None) -> list[Stored]:
    """The cells of one or more stores, each key once, the newest record counting.

    `replaced` collects the older records of a cell whose figures a newer one does not repeat.
    """
    newest: dict[str, Stored] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no results folder {folder}; `bench run` makes one.")
        for stored in Store(folder).items():
            record, other = stored.record, newest.get(stored.record.key)
            if other is None or other.record.created < record.created:
                newest[record.key] = stored
            if replaced is not None and other is not None and other.record.metrics != record.metrics:
                replaced.append(other.record if newest[record.key] is stored else record)
    if not newest:
        raise InputError(f"there are no records in {', '.join(map(str, folders))}; `bench run` makes some.")
    return list(newest.values())
