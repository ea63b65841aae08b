"""Locks between processes and machines. They save double work; nothing is wrong where there are none."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .errors import Unwritable, note

if TYPE_CHECKING:
    from filelock import FileLock

NONE_HERE = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""What file systems without locks say."""


@dataclass(frozen=True)
class Lock:
    """A lock that this process holds until it is released or dies, whichever comes first. Its file says by whom."""

    path: Path
    held: FileLock | None
    """None: the file system has none, and others may believe the same of themselves."""

    def release(self) -> None:
        if self.held is None:
            return
        try:
            self.path.unlink(missing_ok=True)  # while it is held: who waits for it sees that the file has no name
        finally:
            self.held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def acquire(path: Path, *, wait: bool = False) -> Lock | None:
    """The lock of a name, for as long as this process lives; None where somebody else holds it and we do not wait."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=-1 if wait else 0, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M}")
    except Timeout:
        return None
    except OSError as error:
        if error.errno not in NONE_HERE:
            raise Unwritable(path, error) from None
        path.unlink(missing_ok=True)
        note(
            f"the file system of {path.parent} has no locks: several processes at work there do the same twice; "
            "their results are right all the same"
        )
        return Lock(path, None)
    return Lock(path, lock)


def holder(path: Path) -> str:
    """Who holds a lock, in words."""
    try:
        return path.read_text(errors="replace").strip() or "another process"
    except OSError:
        return "another process"


def is_free(path: Path) -> bool:
    """Whether nobody holds a lock; False where that cannot be told. Its file goes if it is."""
    lock = acquire(path)
    if lock is None:
        return False
    lock.release()
    return lock.held is not None
