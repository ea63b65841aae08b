"""Files from a server on this machine: whole, resumed, refused."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmbench.datasets.download import BLOCK, Download, Unreachable, fetch
from symmbench.symmflow.errors import InputError

CONTENT = np.random.default_rng(0).bytes(3 * BLOCK + 5)


@pytest.fixture
def wanted(served: Any) -> Download:
    served.files["/a/set.bin"] = CONTENT
    return Download("set.bin", (f"{served.url}/a/set.bin",), f"md5:{hashlib.md5(CONTENT).hexdigest()}")


def lies_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_with_progress(wanted: Download, served: Any, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    path = fetch(wanted, tmp_path / "new", lambda *now: said.append(now))
    assert path.read_bytes() == CONTENT and lies_in(tmp_path / "new") == ["set.bin"]
    assert [done for _, done, _ in said] == sorted({done for _, done, _ in said})
    assert said[-1] == ("set.bin", len(CONTENT), len(CONTENT))
    assert fetch(wanted, tmp_path / "new") == path and len(served.asked) == 1


def test_a_transfer_that_breaks_off_goes_on_from_there(wanted: Download, served: Any, tmp_path: Path) -> None:
    served.faults["/a/set.bin"] = [f"cut {BLOCK}", f"cut {BLOCK // 2}"]
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT
    assert [part for _, _, part in served.asked] == [None, f"bytes={BLOCK}-", f"bytes={BLOCK * 3 // 2}-"]


def test_what_an_earlier_call_left_is_kept(wanted: Download, served: Any, tmp_path: Path) -> None:
    served.faults["/a/set.bin"] = [f"cut {BLOCK}", 503]
    with pytest.raises(Unreachable, match=rf"503.*; {BLOCK:,} bytes are kept, .* put it at {tmp_path}/set.bin\."):
        fetch(wanted, tmp_path)
    assert (tmp_path / ".set.bin.part").read_bytes() == CONTENT[:BLOCK]
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT and served.asked[-1][2] == f"bytes={BLOCK}-"
    assert lies_in(tmp_path) == ["set.bin"]


@pytest.mark.parametrize("left", ["of another file", "too long", "whole", "not in parts"])
def test_parts_of_every_kind(wanted: Download, served: Any, tmp_path: Path, left: str) -> None:
    if left == "not in parts":
        served.faults["/a/set.bin"] = ["whole"]
    parts = {"of another file": bytes(BLOCK), "too long": CONTENT + b"x", "whole": CONTENT, "not in parts": CONTENT[:9]}
    (tmp_path / ".set.bin.part").write_bytes(parts[left])
    assert fetch(wanted, tmp_path).read_bytes() == CONTENT and lies_in(tmp_path) == ["set.bin"]
    assert len(served.asked) == {"of another file": 2, "too long": 2, "whole": 0, "not in parts": 1}[left]


def test_the_next_mirror_is_asked(wanted: Download, served: Any, tmp_path: Path) -> None:
    served.files["/page"] = b"<!DOCTYPE html><p>Sign in"
    mirrors = (f"{served.url}/gone", f"{served.url}/page", *wanted.urls)
    assert fetch(Download(wanted.file, mirrors, wanted.digest), tmp_path).read_bytes() == CONTENT
    assert served.fetched() == ["/gone", "/page", "/a/set.bin"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (403, "is answered with 403 Forbidden; or fetch it where the network allows it, and put it at"),
        (404, "is answered with 404 Not Found; or"),
        (407, "is answered with 407 Proxy Authentication Required; or"),
        (502, "is answered with 502 Bad Gateway; or"),
        ("page", r"gives a web page, not set.bin \(md5:"),
        ("other", r"gives another file, not set.bin \(md5:"),
        ("cut 0", f"broke off after 0 of {len(CONTENT):,} bytes"),
        ("nobody", r"http://127.0.0.1:9/set.bin cannot be reached \(.*refused\)"),
    ],
)
def test_what_a_server_says_is_one_sentence(
    wanted: Download, served: Any, tmp_path: Path, answer: int | str, said: str
) -> None:
    served.files["/a/set.bin"] = {"page": b"  <html>no", "other": b"else"}.get(str(answer), CONTENT)
    if answer == "nobody":
        wanted = Download(wanted.file, ("http://127.0.0.1:9/set.bin",), wanted.digest)
    elif answer not in ("page", "other"):
        served.faults["/a/set.bin"] = [answer]
    with pytest.raises(Unreachable, match=said) as raised:
        fetch(wanted, tmp_path)
    assert str(raised.value).count("\n") == 0 and not (tmp_path / "set.bin").exists()


def test_a_file_that_is_another_is_not_replaced(wanted: Download, served: Any, tmp_path: Path) -> None:
    (tmp_path / "set.bin").write_bytes(b"mine")
    with pytest.raises(InputError, match=rf"{tmp_path}/set.bin is not the published file .* remove it"):
        fetch(wanted, tmp_path)
    assert (tmp_path / "set.bin").read_bytes() == b"mine" and not served.asked


def test_a_folder_that_cannot_be_written(wanted: Download, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"cannot write {tmp_path}/file/set.bin"):
        fetch(wanted, tmp_path / "file")


def test_two_at_once_fetch_it_once(wanted: Download, served: Any, tmp_path: Path) -> None:
    got: list[Path] = []
    threads = [threading.Thread(target=lambda: got.append(fetch(wanted, tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert got == [tmp_path / "set.bin"] * 4 and len(served.asked) == 1 and lies_in(tmp_path) == ["set.bin"]


def packed(**files: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


def test_an_archive_becomes_its_folder(served: Any, tmp_path: Path) -> None:
    content = served.files["/set.tar.gz"] = packed(batches__one=b"1", batches__two=b"22", beside=b"x")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    wanted = Download("set.tar.gz", (f"{served.url}/set.tar.gz",), digest, unpacks="batches")
    assert fetch(wanted, tmp_path) == tmp_path / "batches" and lies_in(tmp_path) == ["batches"]
    assert (tmp_path / "batches" / "two").read_bytes() == b"22"
    assert fetch(wanted, tmp_path) == tmp_path / "batches" and len(served.asked) == 1


@pytest.mark.parametrize(
    "content",
    [packed(**{"..__evil": b"x"}), b"no archive", packed(other__file=b"x")],
    ids=["leads out", "no archive", "another folder"],
)
def test_an_archive_that_is_none_leaves_nothing(served: Any, tmp_path: Path, content: bytes) -> None:
    served.files["/set.tar.gz"] = content
    digest = f"md5:{hashlib.md5(content).hexdigest()}"
    with pytest.raises(InputError, match=r"set.tar.gz cannot be unpacked .* remove it"):
        fetch(Download("set.tar.gz", (f"{served.url}/set.tar.gz",), digest, unpacks="batches"), tmp_path / "kept")
    assert lies_in(tmp_path / "kept") == [".batches.lock", "set.tar.gz"] and not (tmp_path / "evil").exists()
