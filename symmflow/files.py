"""Files that are whole or not there: written aside, flushed to disk, renamed."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import InputError, Unwritable

ASIDE = re.compile(r"\.(?P<name>.+)\.(?:\d+|[0-9a-f]{16})(\.before)?")
"""What something is called while it is written: a dot, its name, and a mark that no other writer has."""
BEFORE = ".before"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it gets the name `path` on success and is removed on failure.

    A reader never sees half a file, and a full disk loses nothing. What a writer that was killed left of an earlier
    attempt goes. A device or a pipe is written to, not replaced. An `OSError` of the body is `Unwritable`.
    """
    if path.is_dir() or not path.name:
        raise InputError(f"{path} is a folder; name a file.")
    try:
        if _is_stream(path):
            with TemporaryDirectory(prefix="symmflow-") as folder:
                yield Path(folder) / path.name
                with (Path(folder) / path.name).open("rb") as made, path.open("wb") as stream:
                    shutil.copyfileobj(made, stream)
            return
        target = path.resolve() if path.is_symlink() else path
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_left(target.parent, target.name)
        with _claimed(target, folder=False) as aside:
            yield aside
            _flush(aside)
            aside.replace(target)
            _flush(target.parent)
    except OSError as error:
        raise Unwritable(path, error) from None


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Like `atomic`, an empty folder to fill: it takes the place of what is at `path`, whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _restore(path)
        remove_left(path.parent, path.name)
        with _claimed(path, folder=True) as aside:
            yield aside
            for file in (*aside.iterdir(), aside):
                _flush(file)
            if not path.exists():
                aside.rename(path)
            elif not _exchange(aside, path):
                path.rename(aside.with_name(aside.name + BEFORE))
                aside.rename(path)
            _flush(path.parent)
            _restore(path)
    except OSError as error:
        raise Unwritable(path, error) from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Make a file of this content; see `atomic`."""
    with atomic(path) as aside:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)


def remove_left(folder: Path, name: str | None = None) -> None:
    """Remove what killed writers left in a folder, of one file or of all; whoever still writes holds a lock on it.

    What a cut replacement of a folder moved out of its way stays: it may be all that there is.
    """
    with os.scandir(folder) as entries:
        left = [e.name for e in entries if (m := ASIDE.fullmatch(e.name)) and name in (None, m["name"]) and not m[2]]
    for one in left:
        with suppress(OSError), _left(folder / one):  # gone, or somebody's still
            _remove(folder / one)


def remove_at_once(path: Path) -> None:
    """Remove a folder that is never half there under its name; what a kill leaves of it, `remove_left` removes."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:16]}")
    try:
        path.rename(aside)
        _remove(aside)
    except OSError as error:
        raise Unwritable(path, error) from None


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _claimed(path: Path, *, folder: bool) -> Iterator[Path]:
    """A new file or folder beside a path, locked for as long as its writer lives, and removed in the end."""
    aside, opened = _claim(path, folder)
    try:
        yield aside
    finally:
        try:
            _remove(aside)
        finally:
            os.close(opened)


def _claim(path: Path, folder: bool) -> tuple[Path, int]:
    while True:
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:16]}")
        if folder:
            aside.mkdir()
        else:
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        with suppress(FileNotFoundError):
            opened, ours = os.open(aside, os.O_RDONLY), True
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # whoever sweeps came between
                ours = False
            except OSError:  # a file system without locks
                pass
            if ours and os.fstat(opened).st_nlink:
                return aside, opened
            os.close(opened)


@contextmanager
def _left(path: Path) -> Iterator[None]:
    """The lock of what a writer left, itself; raises `OSError` where the writer lives, or there are no locks."""
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def _restore(path: Path) -> None:
    """Finish a replacement that was cut between its two renames: what stood there stands there again, or goes."""
    before = [p for p in path.parent.glob(f".{path.name}.*{BEFORE}") if ASIDE.fullmatch(p.name)]
    for one in sorted(before, key=lambda p: p.stat().st_mtime, reverse=True):
        if path.exists():
            _remove(one)
        else:
            one.rename(path)


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths trade places at once (Linux: renameat2); False where the system or the file system cannot."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    at_cwd, exchange = -100, 2
    return call is not None and call(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange) == 0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """A device, a pipe or a socket, or what /dev and /proc call one (a redirected /dev/stdout is a file)."""
    opened = str(path.absolute()).startswith(("/dev/", "/proc/")) and not str(path.absolute()).startswith("/dev/shm/")
    return path.exists() and (opened or not path.is_file())


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
