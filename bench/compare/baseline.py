"""Baselines: the records of a store, and what they were measured on, in one small file that a repository can keep."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from ...symmflow.bounded import unzip
from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from .. import metrics
from ..code import Installed
from ..protocols import read_protocol
from ..records import Missing, Record, Stored, read_stored
from ..records.shards import to_parquet
from .difference import compared
from .floors import read_floors
from .gate import gate, refuse_namesakes
from .naming import identity
from .report import Report
from .standing import refuse, refuse_other_scoring

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that equal content makes equal bytes."""


def save(results: Sequence[Path], path: Path) -> int:
    """Write the finished cells of some stores to one file; the number of cells.

    Kept: records, protocols, and the sample of every metric of which differences are told. Left out: the evidence.
    Raises `InputError` for a record that cannot be read, and for one whose evidence is not whole.
    """
    cells = [cell for cell in read_stored(results, refused=_refuse) if cell.record.status == "ok"]
    if not cells:
        raise InputError(f"no cell in {', '.join(map(str, results))} finished; there is nothing to save.")
    for cell in cells:
        if not cell.finished:
            raise InputError(
                f"the evidence of '{identity(cell.record)}' in {cell.folder} is not whole; `bench run` makes what is "
                "missing."
            )
        cell.check()
    refuse_namesakes(cells)
    installed = Installed()
    for cell in cells:
        if cell.record.scoring.digest:  # of before digests were kept it cannot be told
            refuse_other_scoring(cell.record, installed, "`bench run` scores it again")
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for cell in cells:
            inside = Path(cell.record.dataset) / cell.record.task / cell.folder.name
            _add(archive, inside / "record.json", cell.record.model_dump_json(indent=2).encode() + b"\n")
            for name in compared(cell.record):
                if not _kept(name, cell.record):
                    _add(archive, inside / "samples" / f"{name}.parquet", _sample(name, cell))
        for name in sorted({cell.record.protocol["hash"] for cell in cells}):
            if (protocol := read_protocol(name, results)) is None:
                raise InputError(
                    f"no protocols/{name}.json lies beside the records; copy the folder protocols/ with them."
                )
            _add(archive, Path("protocols") / f"{name}.json", protocol.model_dump_json(indent=2).encode() + b"\n")
    write_atomically(path, buffer.getvalue())
    return len(cells)


def gated(path: Path, results: Sequence[Path], floors: Path | None = None, strict: bool = False) -> Report:
    """Compare some stores with a baseline file or a folder of records."""
    limits = read_floors(floors)
    with opened(path) as cells:
        found = read_stored(results)
        refuse(cells, found)
        return gate(cells, found, limits, strict)


def _refuse(error: InputError) -> None:
    raise error


def _kept(metric: str, record: Record) -> bool:
    """Whether the record has the sample itself."""
    return metric in record.details.get("jackknife", {})


def _sample(metric: str, cell: Stored) -> bytes:
    found = metrics.sample_of(metric, cell)
    if belied := metrics.contradicted(metric, cell):
        found = Missing(belied)
    if isinstance(found, Missing):
        raise InputError(f"{metric} of '{identity(cell.record)}' cannot be kept: {found}")
    return to_parquet(found.frame())


def _add(archive: zipfile.ZipFile, name: Path, content: bytes) -> None:
    entry = zipfile.ZipInfo(str(name), EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


@contextmanager
def opened(path: Path) -> Iterator[list[Stored]]:
    """The cells of a baseline file or of a folder of records."""
    if path.is_dir():
        yield read_stored([path])
        return
    if not path.is_file():
        raise InputError(f"there is no baseline {path}; `bench baseline save {path}` makes one.")
    with TemporaryDirectory(prefix="symmbench-baseline-") as folder:
        try:
            unzip(path, Path(folder))
        except (InputError, OSError) as error:
            raise InputError(f"{path} is no baseline ({error}); `bench baseline save` makes one.") from None
        try:
            found = read_stored([Path(folder)], refused=_refuse)
        except InputError as error:  # what is said of the folder means nothing to who knows the file
            what = str(error).replace(f"{folder}/", "")
            raise InputError(f"{path} holds no cells of this symmbench: {what}") from None
        yield found
