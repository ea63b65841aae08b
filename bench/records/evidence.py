"""Per-sample evidence: Parquet shards of 256 ids beside a record, each committed whole.

A cut run loses at most the shard it was in. Figures are computed from evidence alone, so they can be computed again
without a network. Each task writes the table `samples`, a row a sample, and whatever else its metrics read:

| task | samples | other tables |
|---|---|---|
| cls | id, label, prediction, scores, scale | |
| ss | id, png (the predicted class ids) | `confusion`: id, truth, prediction, pixels (sparse counts) |
| sis | id, draw, features, lpips_gt, lpips_diversity, feature_diversity, aligned | `alignment`: like `confusion` |
| cycle | id, aligned, cycle_features, cycle_lpips | `confusion` |

Syntheses of no certain labels have no draw, and features alone. `timing-00000.json` beside a shard is what its batches
cost.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from .code import Code

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

SHARD = 256
"""Ids a shard, and the largest batch."""
MAIN = "samples"
"""The table of every sample, in order; it is written last, so that its file says that a shard is whole."""
BULKY = ("features", "png")
"""Columns that are large and that few figures need."""
T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """The evidence of up to `SHARD` ids: tables by name, and the timing of the batches that made them."""

    tables: Mapping[str, pd.DataFrame]
    batches: Sequence[Mapping[str, Any]]


def shard_path(folder: Path, number: int, table: str) -> Path:
    return folder / "evidence" / f"{table}-{number:05d}.parquet"


def write_shard(folder: Path, number: int, shard: Shard) -> None:
    """Write the timing and all tables, the main one last."""
    write_atomically(_timing(folder, number), json.dumps(list(shard.batches)))
    for name in sorted(shard.tables, key=lambda n: n == MAIN):
        write_atomically(shard_path(folder, number, name), to_parquet(shard.tables[name]))


def begin(folder: Path, code: Code) -> None:
    """Say by which code the shards are made that will lie here."""
    write_atomically(_made_by(folder), code.model_dump_json() + "\n")


def begun_by(folder: Path) -> str:
    """The digest of the code that made the shards here; empty where nobody says so."""
    try:
        return Code.model_validate_json(_made_by(folder).read_bytes()).digest
    except (OSError, ValueError):
        return ""


def has_shard(folder: Path, number: int) -> bool:
    return shard_path(folder, number, MAIN).is_file()


@dataclass
class Evidence:
    """The evidence of a cell on disk. Tables are read when asked for; bulky columns never all at once."""

    folder: Path
    shards: int
    reference: Evidence | None = None
    """That of the real images under the same protocol, where there is one."""
    statistics: Path | None = None
    """Mean and covariance of features that stand in the place of real images, where the protocol says so."""
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @property
    def real(self) -> Evidence:
        """The evidence of the real images."""
        if self.reference is None:
            raise InputError(f"the evidence in {self.folder} has none of real images beside it.")
        return self.reference

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What several metrics need of it, made once."""
        if key not in self._known:
            self._known[key] = make()
        found: T = self._known[key]
        return found

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the samples, ascending."""
        return self.once("ids", lambda: tuple(sorted(set(self.table(MAIN)["id"]))))

    def table(self, name: str) -> pd.DataFrame:
        """A table, shards joined in the order of the ids, without its bulky columns."""
        import pandas as pd

        def joined() -> pd.DataFrame:
            parts = []
            for number in range(self.shards):
                columns = [c for c in self._schema(number, name).names if c not in BULKY]
                parts.append(self._read(number, name, columns).to_pandas())
            return pd.concat(parts, ignore_index=True)

        return self.once(("table", name), joined)

    def shard(self, number: int) -> dict[str, pd.DataFrame]:
        """All tables of one shard, whole."""
        names = [
            path.name.rpartition("-")[0] for path in sorted((self.folder / "evidence").glob(f"*-{number:05d}.parquet"))
        ]
        if not names:
            raise InputError(f"{self.folder} has no evidence of shard {number}; run the cell again with --force.")
        return {name: self._read(number, name, self._schema(number, name).names).to_pandas() for name in names}

    def batches(self) -> list[dict[str, Any]]:
        """The timing of the batches that made it."""
        return [batch for n in range(self.shards) for batch in json.loads(_timing(self.folder, n).read_text())]

    def features(self, rows: float = 2048) -> Iterator[tuple[list[str], np.ndarray]]:
        """Blocks of (ids, features [n, D]) of at least `rows` rows where there are as many, `inf`: all in one block."""
        ids: list[str] = []
        parts: list[np.ndarray] = []
        for number in range(self.shards):
            table = self._read(number, MAIN, ["id", "features"])
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
            for row in self._read(number, MAIN, ["id", "png"]).to_pylist():
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


def mask_png(mask: np.ndarray) -> bytes:
    """Class ids [H, W] as a grey PNG, of 16 bits where there are more than 256 classes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8 if mask.max(initial=0) < 256 else np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def to_parquet(frame: pd.DataFrame) -> bytes:
    import pyarrow
    import pyarrow.parquet as parquet

    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    return buffer.getvalue()


def _made_by(folder: Path) -> Path:
    return folder / "evidence" / "code.json"


def _timing(folder: Path, number: int) -> Path:
    return folder / "evidence" / f"timing-{number:05d}.json"
