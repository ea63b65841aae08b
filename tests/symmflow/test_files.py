import errno
import hashlib
from pathlib import Path

import pytest

from symmbench.symmflow.errors import InputError, Unwritable
from symmbench.symmflow.files import atomic, atomic_folder, sha256, write_atomically


def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, "old")
    with pytest.raises(ZeroDivisionError), atomic(path) as aside:
        aside.write_text("half")
        assert path.read_text() == "old"
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]


def test_a_folder_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    with atomic_folder(path) as aside:
        (aside / "old").write_text("1")
    with pytest.raises(ZeroDivisionError), atomic_folder(path) as aside:
        (aside / "half").write_text("2")
        raise ZeroDivisionError
    assert [f.name for f in path.iterdir()] == ["old"] and list(path.parent.iterdir()) == [path]
    with atomic_folder(path) as aside:
        (aside / "new").write_text("3")
    assert [f.name for f in path.iterdir()] == ["new"] and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("writing", [atomic, atomic_folder])
def test_what_cannot_be_written_says_why(tmp_path: Path, writing) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "below" / "it"
    with pytest.raises(Unwritable, match=r"cannot write .*below/it: Not a directory") as refused, writing(path):
        pass
    assert refused.value.path == path and refused.value.errno == errno.ENOTDIR
    with pytest.raises(Unwritable, match="No space left") as full, writing(tmp_path / "other"):
        Path("/dev/full").write_text("more than fits")
    assert full.value.errno == errno.ENOSPC and not (tmp_path / "other").exists()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    for folder in (tmp_path, Path()):
        with pytest.raises(InputError, match="is a folder; name a file"):
            write_atomically(folder, "")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 1000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 1000).hexdigest()
