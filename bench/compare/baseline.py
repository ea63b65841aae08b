"""Baselines: the records and slim evidence of a store in one small file that a repository can keep."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from ...symmflow.errors import InputError
from ..metrics.calibration import brier
from ..metrics.sample import Stored
from ..metrics.score import in_five
from ..records import evidence
from ..records.record import write_atomically
from .gate import refuse_namesakes
from .rows import read_stored

if TYPE_CHECKING:
    import pandas as pd

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that equal content makes equal bytes."""


def save(results: Sequence[Path], path: Path) -> int:
    """Write the finished cells of some stores to one file; the number of cells.

    Kept: records, protocols, and what paired comparison needs: who is right, confusion counts, distances of single
    samples. Left out: scores, features, previews.
    """
    stored = [s for s in read_stored(results) if s[0].status == "ok"]
    if not stored:
        raise InputError(f"no cell in {', '.join(map(str, results))} finished; there is nothing to save.")
    refuse_namesakes(stored)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for record, folder in stored:
            inside = Path(record.dataset) / record.task / folder.name
            _add(archive, inside / "record.json", (folder / "record.json").read_bytes())
            for number in range(evidence.shard_count(record.n)):
                for name, content in _slim(folder, number, record.task):
                    _add(archive, evidence.shard_path(inside, number, name), content)
        for protocol in sorted({file for root in results for file in (root / "protocols").glob("*.json")}):
            _add(archive, Path("protocols") / protocol.name, protocol.read_bytes())
    write_atomically(path, buffer.getvalue())
    return len(stored)


@contextmanager
def opened(path: Path) -> Iterator[tuple[list[Stored], list[Path]]]:
    """The cells of a baseline file or of a folder of records, and the folders in which their protocols lie."""
    if path.is_dir():
        yield read_stored([path]), [path]
        return
    if not path.is_file():
        raise InputError(f"there is no baseline {path}; `bench baseline save {path}` makes one.")
    with TemporaryDirectory(prefix="symmbench-baseline-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)  # drops absolute paths and '..'
            found = read_stored([Path(folder)])
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{path} is no baseline ({error}); `bench baseline save` makes one.") from None
        except InputError as error:  # what is said of the folder means nothing to who knows the file
            what = str(error).replace(f"{folder}/", "")
            raise InputError(f"{path} holds no cells of this symmbench: {what}") from None
        yield found, [Path(folder)]


def _add(archive: zipfile.ZipFile, name: Path, content: bytes) -> None:
    entry = zipfile.ZipInfo(str(name), EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _slim(folder: Path, number: int, task: str) -> list[tuple[str, bytes]]:
    """The tables of a shard without what no comparison needs."""
    tables = evidence.read_shard(folder, number, task)
    return [(name, evidence.to_parquet(_columns(table), {"batches": "[]"})) for name, table in tables.items()]


def _columns(table: pd.DataFrame) -> pd.DataFrame:
    if "scores" in table:
        if len(table["scores"].iloc[0]) >= 10:
            table = table.assign(top5=in_five(table))
        if "scale" in table and (table["scale"] == "probability").all():
            table = table.assign(brier=brier(np.stack(table["scores"].to_list()), table["label"].to_numpy()))
        table = table.drop(columns="scores")
    return table.drop(columns=list(evidence.BULKY), errors="ignore")
