"""Evidence on its way to disk: the folder that an evaluation fills, its shards, and the batches of an open shard.

```
evidence-CODE-0/               of one evaluation; CODE names the code and the libraries that made it
    samples-00000.parquet      a table of a shard, and so on
    timing-00000.json          what its batches cost
    batches-00001-064-128.zip  of a shard that is not whole yet: samples 64 to 127 of it
    cell.json                  what is evaluated
```
"""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...symmflow.errors import InputError
from ...symmflow.files import remove_left, write_atomically
from ...symmflow.locks import is_free
from ..protocols.reading import read_json
from .cell import Cell

if TYPE_CHECKING:
    import pandas as pd

SHARD = 256
"""Ids a shard, and the largest batch."""
MAIN = "samples"
"""The table of every sample, in order; it is written last, so that its file says that a shard is whole."""
_FILE = re.compile(r"([a-z]\w*)-(\d{5,})\.(?:parquet|json)")
_BATCHES = re.compile(r"batches-(\d{5,})-(\d+)-(\d+)\.zip")


@dataclass(frozen=True)
class Shard:
    """The evidence of up to `SHARD` ids: tables by name, and the timing of the batches that made them."""

    tables: Mapping[str, pd.DataFrame]
    batches: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Generation:
    """Which evaluation of a cell by which code some evidence is of. Its name is that of its folder."""

    made_by: str
    number: int

    @property
    def name(self) -> str:
        return f"evidence-{self.made_by}-{self.number}"

    @classmethod
    def of(cls, name: str) -> Self | None:
        """None: evidence of before there were generations."""
        found = re.fullmatch(r"evidence-([0-9a-f]+)-(\d+)", name)
        return cls(found[1], int(found[2])) if found else None


def shard_path(folder: Path, number: int, table: str) -> Path:
    return folder / f"{table}-{number:05d}.parquet"


def timing_path(folder: Path, number: int) -> Path:
    return folder / f"timing-{number:05d}.json"


def lock_path(folder: Path, number: int) -> Path:
    """The lock of who makes a shard."""
    return folder / f".{number:05d}.lock"


def begin(folder: Path, cell: Cell) -> None:
    """Say what is evaluated into a folder."""
    if not (folder / "cell.json").is_file():
        write_atomically(folder / "cell.json", cell.model_dump_json() + "\n")


def begun(folder: Path) -> Cell:
    """What is evaluated into a folder; raises `InputError` where it does not say."""
    return read_json(Cell, folder / "cell.json", "a cell of this symmbench", "remove its folder")


def write_shard(folder: Path, number: int, shard: Shard) -> None:
    """Write the timing and all tables, the main one last; the batches that it was made of go."""
    write_atomically(timing_path(folder, number), json.dumps(list(shard.batches)))
    for name in sorted(shard.tables, key=lambda n: n == MAIN):
        write_atomically(shard_path(folder, number, name), to_parquet(shard.tables[name]))
    for path, _, _ in _batches(folder, number):
        path.unlink(missing_ok=True)


def unmade(folder: Path, shards: int) -> set[int]:
    """The shards that lack their timing, or a table that another one has."""
    there: dict[int, set[str]] = {number: set() for number in range(shards)}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if (found := _FILE.fullmatch(entry.name)) and entry.stat().st_size:
                    there.setdefault(int(found[2]), set()).add(found[1])
    except OSError:  # not begun
        return set(range(shards))
    wanted = set[str]().union({MAIN, "timing"}, *there.values())
    return {number for number in range(shards) if there[number] != wanted}


def joined(parts: Sequence[Shard]) -> Shard:
    """Consecutive samples as one."""
    import pandas as pd

    tables = {name: pd.concat([part.tables[name] for part in parts], ignore_index=True) for name in parts[0].tables}
    return Shard(tables, [batch for part in parts for batch in part.batches])


def keep(folder: Path, number: int, start: int, stop: int, part: Shard) -> None:
    """Keep finished batches of a shard that is not whole: its samples from `start` to `stop`, in one file."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("timing.json", json.dumps(list(part.batches)))
        for name, table in part.tables.items():
            archive.writestr(f"{name}.parquet", to_parquet(table))
    write_atomically(folder / f"batches-{number:05d}-{start:03d}-{stop:03d}.zip", buffer.getvalue())


def kept(folder: Path, number: int) -> dict[int, list[Shard]]:
    """What is kept of an open shard without a gap: by how many of its samples are done, the parts up to there."""
    found: dict[int, list[Shard]] = {0: []}
    at = 0
    for path, start, stop in sorted(_batches(folder, number), key=lambda one: one[1:]):
        if start == at and (part := _read(path, stop - start)) is not None:
            found[stop] = [*found[at], part]
            at = stop
    return found


def clear(folder: Path) -> None:
    """Remove what nobody needs of evidence that is whole: batches, files of dead writers, locks that nobody holds."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        if _BATCHES.fullmatch(name):
            (folder / name).unlink(missing_ok=True)
        elif name.endswith(".lock"):
            is_free(folder / name)  # that removes it
    remove_left(folder)


def in_use(folder: Path) -> bool:
    """Whether somebody makes a shard of it."""
    return not all(map(is_free, sorted(folder.glob(".*.lock"))))


def to_parquet(frame: pd.DataFrame) -> bytes:
    """A quarter smaller than by default: real numbers, which hardly repeat, have no dictionary, and what nobody asks,
    ranges of columns and the types that pandas had, is not written."""
    import pyarrow
    import pyarrow.parquet as parquet

    def leaf(name: str, kind: pyarrow.DataType) -> tuple[str, pyarrow.DataType]:
        return leaf(f"{name}.list.element", kind.value_type) if pyarrow.types.is_list(kind) else (name, kind)

    table = pyarrow.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    leaves = dict(map(leaf, table.column_names, table.schema.types))
    real = [name for name, kind in leaves.items() if pyarrow.types.is_floating(kind)]
    buffer = BytesIO()
    parquet.write_table(
        table,
        buffer,
        compression="zstd",
        use_dictionary=[name for name in leaves if name not in real],
        use_byte_stream_split=real,
        write_statistics=False,
        store_schema=False,
    )
    return buffer.getvalue()


def _batches(folder: Path, number: int) -> list[tuple[Path, int, int]]:
    """Files of kept batches of a shard, with its samples."""
    found = ((path, _BATCHES.fullmatch(path.name)) for path in folder.glob(f"batches-{number:05d}-*.zip"))
    return [(path, int(m[2]), int(m[3])) for path, m in found if m and int(m[2]) < int(m[3]) <= SHARD]


def _read(path: Path, samples: int) -> Shard | None:
    """None for what cannot be read, or is of another number of samples: it is evaluated again."""
    import pandas as pd

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".parquet")]
            tables = {n.removesuffix(".parquet"): pd.read_parquet(BytesIO(archive.read(n))) for n in names}
            whole = MAIN in tables and tables[MAIN]["id"].nunique() == samples
            return Shard(tables, json.loads(archive.read("timing.json"))) if whole else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, InputError):
        return None
