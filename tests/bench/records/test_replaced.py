"""Stores that others write to while they are read, and outputs that are no files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from symmbench.bench import api
from symmbench.bench.records import Replaced, Store, steadily
from symmbench.symmflow.locks import acquire


def test_what_was_replaced_while_it_was_read_is_read_again(tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "tasks": "cls",
        "datasets": "two-spirals",
        "steps": [1],
        "limit": 20,
        "out": tmp_path / "r",
    }
    api.run(**asked)
    seen = []

    def read() -> pd.DataFrame:
        (stored,) = Store(tmp_path / "r").items()
        if not seen:  # a newer evaluation comes between
            api.run(**asked, force=True)
        seen.append(stored.record.evidence)
        return stored.evidence.table("samples")

    assert len(steadily(read)()) == 20 and len(set(seen)) == 2
    (stored,) = Store(tmp_path / "r").items()
    api.run(**asked, force=True)
    with pytest.raises(Replaced, match="was replaced while it was read; call again"):
        stored.evidence.table("samples")


def test_outputs_to_devices_leave_them_as_they_are(bench: Any, tmp_path: Path) -> None:
    api.run(tasks="cls", datasets="two-spirals", steps=[1], limit=20, out=tmp_path / "results")
    assert bench("baseline", "save", "b.zip").returncode == 0
    for command in (("report", "--format", "csv", "-o", "/dev/null"), ("baseline", "save", "/dev/null")):
        done = bench(*command)
        assert done.returncode == 0, done.stderr
    assert Path("/dev/null").is_char_device()


def test_a_second_training_is_refused_in_a_sentence(bench: Any, tmp_path: Path) -> None:
    lock = acquire(tmp_path / "run" / ".lock")
    assert lock
    done = bench("train", "-r", "two-spirals/symmflow", "--out", "run", "--max-steps", "1")
    lock.release()
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: run is being trained into by process {os.getpid()} on ")
    assert done.stderr.endswith("; wait for it, or choose another --out.\n")


def test_a_file_system_without_locks_is_told_by_a_run(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    def none(*args: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", none)
        done = bench("run", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--limit", "20")
    assert done.returncode == 0 and "has no locks: several processes at work there do the same twice" in done.stderr
    (stored,) = Store(tmp_path / "results").items()
    assert stored.finished and not list((tmp_path / "results").rglob("*.lock"))
