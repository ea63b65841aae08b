"""What killed writers leave, devices, and file systems without locks."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from symmbench.symmflow import files
from symmbench.symmflow.errors import Note
from symmbench.symmflow.files import atomic, atomic_folder, remove_left, write_atomically
from symmbench.symmflow.locks import acquire, holder, is_free

LEFT = (".file.4711", ".file.0123456789abcdef")


def test_the_next_write_removes_what_killed_ones_left_of_the_same_file_alone(tmp_path: Path) -> None:
    for name in (*LEFT, ".other.4711", ".file.txt", "file.4711"):
        (tmp_path / name).write_text("half")
    write_atomically(tmp_path / "file", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".other.4711", ".file.txt", "file.4711"}
    remove_left(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".file.txt", "file.4711"}


def test_what_somebody_still_writes_stays(tmp_path: Path) -> None:
    with atomic(tmp_path / "file") as first:
        first.write_text("first")
        write_atomically(tmp_path / "file", "second")
        remove_left(tmp_path)
        assert first.read_text() == "first" and first.name != ".file"
    assert (tmp_path / "file").read_text() == "first" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("exchanged", [True, False])
def test_folders_trade_places(tmp_path: Path, exchanged: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, or by two renames where the file system cannot."""
    if not exchanged:
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    for name in ("old", "new"):
        with atomic_folder(tmp_path / "folder") as aside:
            (aside / name).write_text(name)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new"] and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("before", [".folder.4711.before", ".folder.0123456789abcdef.before"])
def test_a_replacement_that_was_cut_between_its_renames_is_gone_on_with(tmp_path: Path, before: str) -> None:
    (tmp_path / before).mkdir()
    (tmp_path / before / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "folder") as aside:
        assert (tmp_path / "folder" / "old").read_text() == "old"
        aside.joinpath("half").write_text("")
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    (tmp_path / before).mkdir()
    with atomic_folder(tmp_path / "folder") as aside:
        (aside / "new").write_text("new")
    assert [f"{path.relative_to(tmp_path)}" for path in sorted(tmp_path.rglob("*"))] == ["folder", "folder/new"]


def test_a_device_a_pipe_and_a_link_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    write_atomically(Path("/dev/null"), "nothing")
    assert Path("/dev/null").is_char_device()
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    write_atomically(pipe, "through")
    reader.join(10)
    assert found == ["through"] and pipe.is_fifo()
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_text() == "new"


def test_a_lock_is_held_by_one_says_by_whom_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / ".lock"
    lock = acquire(path)
    assert lock and lock.held and acquire(path) is None and not is_free(path)
    assert holder(path).startswith(f"process {os.getpid()} on ") and ", since 20" in holder(path)
    lock.release()
    assert not path.exists() and holder(path) == "another process"
    path.write_text("process 4711 on another machine")  # of one that was killed
    assert is_free(path) and not path.exists()


@pytest.mark.parametrize("said", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_and_works(
    tmp_path: Path, said: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*args: object) -> None:
        raise OSError(said, os.strerror(said))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.warns(Note, match="has no locks: several processes at work there do the same twice"):
        one = acquire(tmp_path / ".lock")
    assert one and one.held is None and not list(tmp_path.iterdir())
    with pytest.warns(Note):
        assert not is_free(tmp_path / ".lock")
    one.release()
    (tmp_path / ".file.4711").write_text("of somebody who may be alive")
    write_atomically(tmp_path / "file", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".file.4711", "file"]
