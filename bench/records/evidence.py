"""Per-sample evidence: Parquet shards of 256 ids beside a record, each committed whole.

A record names the folder of its evidence; another evaluation fills another one. Figures are computed from evidence
alone, so they can be computed again without a network. Each task writes the table `samples`, a row a sample, and
whatever else its metrics read:

| task | samples | other tables |
|---|---|---|
| cls | id, label, prediction, scores, scale | |
| ss | id, png (the predicted class ids) | `confusion`: id, truth, prediction, pixels (sparse counts) |
| sis | id, draw, features, lpips_gt, lpips_diversity, feature_diversity, aligned, seen | `alignment`, as `confusion` |
| cycle | id, aligned, cycle_features, cycle_lpips | `confusion` |

Beside them lies the table `images`: pictures of a few samples, which no figure needs (`Kept`).

Syntheses of no certain labels have no draw, and features alone. `timing-00000.json` beside a shard is what its batches
cost.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from ...symmflow.bounded import picture
from ...symmflow.errors import InputError
from ..protocols.reading import read_json
from .shards import MAIN, SHARD, shard_path, timing_path
from .sizes import opened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

BULKY = ("features", "png", "webp")
"""Columns that are large and that few figures need."""
KINDS = {
    **dict.fromkeys(("id", "scale", "group", "what"), "string"),
    **dict.fromkeys(("label", "prediction", "truth", "pixels", "draw", "seen"), "integer"),
    **dict.fromkeys(("lpips_gt", "lpips_diversity", "feature_diversity", "time"), "floating"),
    **dict.fromkeys(("cycle_features", "cycle_lpips"), "floating"),
    **dict.fromkeys(("features", "scores"), "list"),
    "aligned": "boolean",
    **dict.fromkeys(("png", "webp"), "binary"),
}
"""What the columns hold, as `pyarrow.types` calls it. Those of other packages' metrics are theirs to check."""
IMAGES = "images"
"""The table of pictures."""
T = TypeVar("T")


class Batch(TypedDict):
    """What a batch cost."""

    seconds: float
    size: int
    evaluations: int
    peak: int
    device: str


@with_config(ConfigDict(extra="allow"))
class Replayed(Batch, total=False):
    bare: float
    """Seconds a row of its last network call alone."""


class Replaced(InputError):
    """Evidence that gave way to a newer evaluation while it was read."""


@dataclass(frozen=True)
class Kept:
    """A picture of a sample, as a WebP file: masks and small images to the bit, large ones shrunk."""

    id: str
    what: str
    """`label`: a mask; `real`: the image; `output`: what the method made; `trace`: a state on the way there."""
    draw: int
    time: float | None
    """t in [0, 1] of a state."""
    webp: bytes
    """Masks are grey, their values class ids, 255 = void."""


@dataclass
class Evidence:
    """The evidence of a cell on disk. Tables are read when asked for; bulky columns never all at once."""

    folder: Path
    shards: int
    reference: Evidence | None = None
    """That of the real images under the same protocol, where there is one."""
    named: Callable[[], str] = field(default=str, repr=False)
    """The folder that the record names now."""
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

    def shard_ids(self, number: int) -> list[str]:
        """Of the rows of a shard."""
        found: list[str] = self._read(number, MAIN, ["id"])["id"].to_pylist()
        return found

    def table(self, name: str) -> pd.DataFrame:
        """A table, shards joined in the order of the ids, without its bulky columns."""
        import pandas as pd

        def joined() -> pd.DataFrame:
            parts = [self._read(number, name, but=BULKY).to_pandas() for number in range(self.shards)]
            return pd.concat(parts, ignore_index=True)

        return self.once(("table", name), joined)

    def shard(self, number: int) -> dict[str, pd.DataFrame]:
        """All tables of one shard, whole."""
        names = [path.name.rpartition("-")[0] for path in sorted(self.folder.glob(f"*-{number:05d}.parquet"))]
        if not names:
            raise self._gone(f"{self.folder} has no evidence of shard {number}")
        return {name: self._read(number, name).to_pandas() for name in names}

    def batches(self) -> list[dict[str, Any]]:
        """The timing of the batches that made it."""
        files = [timing_path(self.folder, number) for number in range(self.shards)]
        said = "the timing of a shard", "run the cell again with --force"
        return [dict(batch) for file in files for batch in read_json(list[Replayed], file, *said)]

    def features(self, rows: float = 2048) -> Iterator[tuple[list[str], np.ndarray]]:
        """Blocks of (ids, features [n, D]) of at least `rows` rows where there are as many, `inf`: all in one block."""
        ids: list[str] = []
        parts: list[np.ndarray] = []
        for number in range(self.shards):
            table = self._read(number, MAIN, ["id", "features"])
            flat = table["features"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            if not len(table) or flat.dtype.kind != "f" or len(flat) % len(table):
                path = shard_path(self.folder, number, MAIN)
                raise InputError(f"{path} is damaged (features of unequal length); remove it and run the cell again.")
            parts.append(flat.reshape(len(table), -1))
            ids += table["id"].to_pylist()
            if len(ids) >= rows or number == self.shards - 1:
                yield ids, np.concatenate(parts)
                ids, parts = [], []

    def masks(self) -> Iterator[tuple[str, np.ndarray]]:
        """The predicted class ids of every image, [H, W]."""
        for number in range(self.shards):
            for row in self._read(number, MAIN, ["id", "png"]).to_pylist():
                try:
                    yield row["id"], np.asarray(picture(row["png"]))
                except (OSError, ValueError, TypeError):
                    path = shard_path(self.folder, number, MAIN)
                    raise InputError(
                        f"{path} is damaged (the mask of {row['id']} is no picture); remove it and run the cell again."
                    ) from None

    def images(self) -> Iterator[Kept]:
        """The pictures that were kept, in the order of the ids; none in evidence of before they were."""
        for number in range(self.shards):
            if shard_path(self.folder, number, IMAGES).is_file():
                for row in self._read(number, IMAGES, list(Kept.__dataclass_fields__)).to_pylist():
                    yield Kept(**row)

    def _read(
        self, number: int, name: str, columns: Sequence[str] | None = None, but: Sequence[str] = ()
    ) -> pyarrow.Table:
        """Columns of a table of a shard; by default all, `but` some."""
        path = shard_path(self.folder, number, name)
        with ExitStack() as stack:
            with self._guarded(path, name):
                file = stack.enter_context(opened(path))
                known = file.schema_arrow
            if "id" not in known.names:
                raise InputError(f"{path} is damaged (it has no samples' ids); remove it and run the cell again.")
            wanted = [c for c in known.names if c not in but] if columns is None else list(columns)
            if missing := [c for c in wanted if c not in known.names]:
                raise InputError(f"{path} has no {', '.join(missing)}; run the cell again with --force.")
            check_columns(path, known, wanted)
            with self._guarded(path, name):
                table = file.read(columns=wanted)
        if "id" in wanted and table["id"].null_count:
            raise InputError(f"{path} is damaged (samples without an id); remove it and run the cell again.")
        return table

    @contextmanager
    def _guarded(self, path: Path, name: str) -> Iterator[None]:
        """What a table cannot be read for, in a sentence."""
        import pyarrow

        try:
            yield
        except FileNotFoundError:
            raise self._gone(f"the evidence in {self.folder} has no {name}") from None
        except (OSError, ValueError, pyarrow.ArrowException) as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise InputError(f"{path} is damaged ({said}); remove it and run the cell again.") from None

    def _gone(self, said: str) -> InputError:
        if self.named() not in ("", self.folder.name):
            return Replaced(f"{self.folder} was replaced while it was read; call again.")
        return InputError(f"{said}; run the cell again with --force.")


def check_columns(path: Path, schema: pyarrow.Schema, columns: Sequence[str]) -> None:
    """Refuse columns that do not hold what their name says."""
    import pyarrow

    for column in columns:
        held = schema.field(column).type
        if (kind := KINDS.get(column)) and not (getattr(pyarrow.types, f"is_{kind}")(held) or _like(held, kind)):
            raise InputError(
                f"{path} is damaged ({column} holds {held}, not {kind}); remove it and run the cell again."
            )


def _like(held: pyarrow.DataType, kind: str) -> bool:
    """Other ways to hold the same; a column of nothing, where nobody could be measured, is of type null."""
    import pyarrow

    same = {"string": ("large_string",), "binary": ("large_binary",), "list": ("large_list", "fixed_size_list")}
    return any(getattr(pyarrow.types, f"is_{other}")(held) for other in (*same.get(kind, ()), "null"))


def lot(own: str) -> str:
    """Where the sample of an id stands in the order in which samples are kept: that of these."""
    return hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()


def shard_count(samples: int) -> int:
    return -(-samples // SHARD)


def mask_png(mask: np.ndarray) -> bytes:
    """Class ids [H, W] as a grey PNG, of 16 bits where there are more than 256 classes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8 if mask.max(initial=0) < 256 else np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()
