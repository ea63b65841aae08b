"""Per-sample evidence: Parquet shards of 256 ids beside a record, each committed whole.

A cut run loses at most the shard it was in. Figures are computed from evidence alone, so they can be computed again
without a network.

| table | columns |
|---|---|
| cls | id, label, prediction, scores, scale |
| ss | id, truth, prediction, pixels (sparse confusion counts); `masks`: id, png (the predicted class ids) |
| sis | id, draw, features, lpips_gt, lpips_diversity, feature_diversity, aligned; `alignment`: like the counts of ss |
| cycle | id, aligned, cycle_features, cycle_lpips; `confusion`: like ss |
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...symmflow.errors import InputError
from .record import Record, write_atomically

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

SHARD = 256
"""Ids a shard, and the largest batch."""
MAIN = {"cls": "predictions", "ss": "masks", "sis": "samples", "cycle": "cycles"}
"""The table of every id, in order; it is written last, so that its file says that a shard is whole."""
BULKY = ("features", "png")
"""Columns that are large and that few figures need."""


@dataclass(frozen=True)
class Shard:
    """The evidence of up to `SHARD` ids: tables by name, and the timing of the batches that made them."""

    tables: Mapping[str, pd.DataFrame]
    batches: Sequence[Mapping[str, Any]]


def shard_path(folder: Path, number: int, table: str) -> Path:
    return folder / "evidence" / f"{table}-{number:05d}.parquet"


def write_shard(folder: Path, number: int, main: str, shard: Shard) -> None:
    """Write all tables; `main` comes last, so that its file means the shard is whole."""
    for name in sorted(shard.tables, key=lambda n: n == main):
        meta = {"batches": json.dumps(list(shard.batches))} if name == main else {}
        write_atomically(shard_path(folder, number, name), to_parquet(shard.tables[name], meta))


def has_shard(folder: Path, number: int, main: str) -> bool:
    return shard_path(folder, number, main).is_file()


@dataclass
class Evidence:
    """The evidence of a cell on disk. Tables are read when asked for; bulky columns never all at once."""

    folder: Path
    shards: int
    main: str
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, record: Record, folder: Path) -> Evidence:
        return cls(folder, shard_count(record.n), MAIN[record.task])

    def has(self, name: str) -> bool:
        return shard_path(self.folder, 0, name).is_file()

    def table(self, name: str) -> pd.DataFrame:
        """A table, shards joined in the order of the ids, without its bulky columns."""
        import pandas as pd

        if name not in self._tables:
            parts = []
            for number in range(self.shards):
                columns = [c for c in self._schema(number, name).names if c not in BULKY]
                parts.append(self._read(number, name, columns).to_pandas())
            self._tables[name] = pd.concat(parts, ignore_index=True)
        return self._tables[name]

    def batches(self) -> list[dict[str, Any]]:
        """The timing of the batches that made it."""
        return [
            batch
            for number in range(self.shards)
            for batch in json.loads(self._schema(number, self.main).metadata[b"batches"])
        ]

    def features(self, rows: int = 2048) -> Iterator[tuple[list[str], np.ndarray]]:
        """Blocks of (ids, features [n, D]) of at least `rows` rows where there are as many; again on every call."""
        ids: list[str] = []
        parts: list[np.ndarray] = []
        for number in range(self.shards):
            table = self._read(number, self.main, ["id", "features"])
            flat = table["features"].combine_chunks()
            parts.append(flat.flatten().to_numpy(zero_copy_only=False).reshape(len(table), -1))
            ids += table["id"].to_pylist()
            if len(ids) >= rows or number == self.shards - 1:
                yield ids, np.concatenate(parts)
                ids, parts = [], []

    def masks(self) -> Iterator[tuple[str, np.ndarray]]:
        """The predicted class ids of every image, [H, W]."""
        from PIL import Image

        for number in range(self.shards):
            for row in self._read(number, "masks", ["id", "png"]).to_pylist():
                yield row["id"], np.asarray(Image.open(io.BytesIO(row["png"])))

    def _schema(self, number: int, name: str) -> pyarrow.Schema:
        import pyarrow
        import pyarrow.parquet as parquet

        path = shard_path(self.folder, number, name)
        try:
            return parquet.read_schema(path)
        except FileNotFoundError:
            raise InputError(f"the evidence in {self.folder} has no {name}; run the cell again with --force.") from None
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise InputError(f"{path} is damaged ({error}); remove it and run the cell again.") from None

    def _read(self, number: int, name: str, columns: list[str]) -> pyarrow.Table:
        import pyarrow
        import pyarrow.parquet as parquet

        known = self._schema(number, name).names
        path = shard_path(self.folder, number, name)
        if missing := [c for c in columns if c not in known]:
            raise InputError(f"{path} has no {', '.join(missing)}; run the cell again with --force.")
        try:
            return parquet.read_table(path, columns=columns)
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise InputError(f"{path} is damaged ({error}); remove it and run the cell again.") from None


def shard_count(samples: int) -> int:
    return -(-samples // SHARD)


def read_shard(folder: Path, number: int, task: str) -> dict[str, pd.DataFrame]:
    """The tables of one shard; the main one last."""
    import pandas as pd

    paths = sorted((folder / "evidence").glob(f"*-{number:05d}.parquet"), key=lambda p: p.name.startswith(MAIN[task]))
    if not paths:
        raise InputError(f"{folder} has no evidence of shard {number}; run the cell again with --force.")
    return {path.name.rpartition("-")[0]: pd.read_parquet(path) for path in paths}


def mask_png(mask: np.ndarray) -> bytes:
    """Class ids [H, W] as a grey PNG, of 16 bits where there are more than 256 classes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8 if mask.max(initial=0) < 256 else np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def to_parquet(frame: pd.DataFrame, meta: Mapping[str, str] | None = None) -> bytes:
    import pyarrow
    import pyarrow.parquet as parquet

    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), **{k.encode(): v.encode() for k, v in (meta or {}).items()}}
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
