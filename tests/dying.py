"""Dying at a write: at the n-th write, rename or removal below a folder the process is killed, or an exception that
nothing catches is raised, and from then on nothing below the folder can be changed, as if it were dead."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATHS = {"open": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.mkdir": (0,), "os.link": (0, 1)}
"""Which arguments of Python's audit events are paths; https://docs.python.org/3/library/audit_events.html."""
FOLDERS = {"os.rename": (2, 3), "os.remove": (1,), "os.rmdir": (1,), "os.mkdir": (2,), "os.link": (2, 3)}
"""Which are the open folders that these paths are relative to; -1: none."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Died(BaseException):
    """What would have been a kill."""


class Dying:
    """Inside, whatever changes a folder is counted in `points`; the change number `at` is not made any more."""

    def __init__(self, folder: Path, at: int | None = None, *, kill: bool = False) -> None:
        self.folder, self.at, self.kill = str(folder.resolve()), at, kill
        self.points: list[str] = []
        self.dead = False

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITES):
            return
        paths = [_path(arguments, path, event, n) for n, path in enumerate(PATHS[event])]
        if not any(path.startswith(f"{self.folder}/") for path in paths):
            return
        if self.dead:
            raise Died
        self.points.append(f"{event} {' '.join(path.removeprefix(self.folder) for path in paths)}")
        if self.at is not None and len(self.points) > self.at:
            self.dead = True
            if event == "os.rename" and Path(paths[0]).is_file():  # killed while it was written, or just after
                os.truncate(paths[0], Path(paths[0]).stat().st_size // 2)
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Died

    def __enter__(self) -> Self:
        _now.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _now.remove(self)


_now: list[Dying] = []


def _path(arguments: tuple[Any, ...], path: int, event: str, number: int) -> str:
    name = arguments[path]
    if not isinstance(name, str | bytes | os.PathLike):  # an open file
        return ""
    folder = arguments[FOLDERS[event][number]] if event in FOLDERS else -1
    start = Path(f"/proc/self/fd/{folder}").readlink() if isinstance(folder, int) and folder >= 0 else Path.cwd()
    return str(start / os.fsdecode(name))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _now and event in PATHS:
        _now[-1].see(event, arguments)


sys.addaudithook(_hook)
