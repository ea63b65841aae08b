"""Per-sample evidence: Parquet shards of 256 ids beside a record, each committed whole.

A cut run loses at most the shard it was in. Figures are computed from evidence alone, so they can be computed again
without a network.

| table | columns |
|---|---|
| cls | id, label, prediction, scores |
| ss | id, truth, prediction, pixels (sparse confusion counts); and the table `images` of all ids |
| sis | id, draw, features, lpips_gt, lpips_diversity, feature_diversity, aligned; and the table `alignment` like ss |
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..symmflow.errors import InputError
from .records import write_atomically

if TYPE_CHECKING:
    import pandas as pd

SHARD = 256
"""Ids a shard, and the largest batch."""
MAIN = {"cls": "predictions", "ss": "confusion", "sis": "samples"}
"""The table whose file says that a shard is whole."""
IDS = {"cls": "predictions", "ss": "images", "sis": "samples"}
"""The table that has every id, in order; an image without a valid pixel has no confusion counts."""


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


def read(folder: Path, shards: int, main: str) -> Shard:
    """All evidence of a cell, tables joined in the order of the ids."""
    import pandas as pd
    import pyarrow
    import pyarrow.parquet as parquet

    tables: dict[str, list[pd.DataFrame]] = {}
    batches: list[Mapping[str, Any]] = []
    for number in range(shards):
        for path in sorted((folder / "evidence").glob(f"*-{number:05d}.parquet")):
            try:
                table = parquet.read_table(path)
            except (OSError, pyarrow.ArrowInvalid) as error:
                raise InputError(f"{path} is damaged ({error}); remove it and run the cell again.") from None
            tables.setdefault(path.name.rpartition("-")[0], []).append(table.to_pandas())
            if path == shard_path(folder, number, main):
                batches += json.loads(table.schema.metadata[b"batches"])
    return Shard({name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}, batches)


def read_table(folder: Path, shards: int, name: str) -> pd.DataFrame:
    """One table of a cell without its features, which are large and compared by no image."""
    import pandas as pd
    import pyarrow
    import pyarrow.parquet as parquet

    parts = []
    for path in (shard_path(folder, number, name) for number in range(shards)):
        try:
            columns = [c for c in parquet.read_schema(path).names if c != "features"]
            parts.append(parquet.read_table(path, columns=columns).to_pandas())
        except FileNotFoundError:
            raise InputError(f"the evidence in {folder} has no {name}; run the cell again with --force.") from None
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise InputError(f"{path} is damaged ({error}); remove it and run the cell again.") from None
    return pd.concat(parts, ignore_index=True)


def read_shard(folder: Path, number: int, task: str) -> dict[str, pd.DataFrame]:
    """The tables of one shard; the main one last."""
    import pandas as pd

    paths = sorted((folder / "evidence").glob(f"*-{number:05d}.parquet"), key=lambda p: p.name.startswith(MAIN[task]))
    if not paths:
        raise InputError(f"{folder} has no evidence of shard {number}; run the cell again with --force.")
    return {path.name.rpartition("-")[0]: pd.read_parquet(path) for path in paths}


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
