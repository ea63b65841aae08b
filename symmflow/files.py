"""Files that are whole or not there: written aside, flushed to disk, renamed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError, Unwritable


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it gets the name `path` on success and is removed on failure.

    A reader never sees half a file, and a full disk loses nothing. An `OSError` of the body is `Unwritable`.
    """
    if path.is_dir() or not path.name:
        raise InputError(f"{path} is a folder; name a file.")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield aside
            _flush(aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise Unwritable(path, error) from None


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Like `atomic`, an empty folder to fill: it takes the place of what is at `path`, whole."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    before = aside.with_name(f"{aside.name}.before")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            yield aside
            for file in aside.iterdir():
                _flush(file)
            if path.exists():
                path.rename(before)
            aside.rename(path)
            shutil.rmtree(before, ignore_errors=True)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise Unwritable(path, error) from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Make a file of this content; see `atomic`."""
    with atomic(path) as aside:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
