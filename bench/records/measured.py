"""Where records lie: a store, a cell."""

from __future__ import annotations

from pathlib import Path

from ...symmflow.errors import InputError
from .record import read_record
from .store import RECORD, Stored

DEFAULT_STORE = Path("results")
"""If nothing else is said."""


def measured_at(path: Path, lack: str) -> Stored:
    """The finished cell in a folder, or whose record.json is given. Raises `InputError`; `lack`: what there is not of
    one that failed, such as `there is no figure of it`."""
    file = path / RECORD if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"there is no record at {path}; give the folder of a cell, such as results/digits/cls/....")
    record = read_record(file)
    if record.status != "ok":
        raise InputError(f"the record in {path} is of a cell that failed; {lack}.")
    return Stored(record, file.resolve().parent)
