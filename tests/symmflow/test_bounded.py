"""Files are read within bounds, and the network is closed where nothing of it is needed."""

from __future__ import annotations

import gzip
import io
import os
import socket
import threading
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest

from symmbench.symmflow import network
from symmbench.symmflow.bounded import (
    check_size,
    check_weights,
    gunzip,
    picture,
    read_bytes,
    read_json,
    read_toml,
    unzip,
)
from symmbench.symmflow.errors import InputError, Oversized, Unreadable


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"12345")
    assert read_bytes(file, 5) == b"12345" and check_size(file, 5) == 5
    with pytest.raises(Oversized, match="5 bytes, and such a file has at most 4"):
        read_bytes(file, 4)
    with pytest.raises(Oversized):  # says that it is empty
        read_bytes(Path("/proc/self/status"), 10)
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path, 5)
    os.mkfifo(tmp_path / "pipe")
    for stream in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(Unreadable, match="is a device or a pipe"):
            read_bytes(stream, 5)


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "9" * 5000, "\ud800x", '{"a": 1e5, "b": tru}'])
def test_what_is_no_json_is_unreadable(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(Unreadable, match=r"x\.json is not valid JSON"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize("content", ["a", f"a = {'[' * 5000}", f"a = {'9' * 5000}", "a = '\x00'"])
def test_what_is_no_toml_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.toml").write_text(content)
    with pytest.raises(InputError, match=r"x\.toml is not a valid TOML file"):
        read_toml(tmp_path / "x.toml")


def test_no_more_is_unpacked_than_was_expected(tmp_path: Path) -> None:
    content = bytes(range(100))
    (tmp_path / "x.gz").write_bytes(gzip.compress(content))
    (tmp_path / "x").write_bytes(content)
    for file in (tmp_path / "x.gz", tmp_path / "x"):
        assert gunzip(file, lambda head: len(content), 4) == content
        for wrong, said in ((99, "holds more"), (101, "holds fewer")):
            with pytest.raises(ValueError, match=said):
                gunzip(file, lambda head, wrong=wrong: wrong, 4)  # type: ignore[misc]


def packed(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_archives_stay_within_their_folder_and_their_measure(tmp_path: Path) -> None:
    unzip(packed(tmp_path / "good.zip", {"a/b.txt": b"x", "c": b"y" * 10_000}), tmp_path / "out")
    assert (tmp_path / "out" / "a" / "b.txt").read_bytes() == b"x"
    for name in ("../x", "/x", "a/../../x", "a\x1b", "a\\b", "x" * 300):
        with pytest.raises(Unreadable, match="no name of a file"):
            unzip(packed(tmp_path / "bad.zip", {name: b"x"}), tmp_path / "bad")
    with pytest.raises(Oversized, match="would unpack to 67,108,864 bytes"):
        unzip(packed(tmp_path / "bomb.zip", {"x": bytes(1 << 26)}), tmp_path / "bad")
    whole = (tmp_path / "good.zip").read_bytes()
    for content in (b"", b"PK", whole[:40], whole[:-20], whole.replace(b"y", b"z", 1)[: len(whole) // 2]):
        (tmp_path / "cut.zip").write_bytes(content)
        with pytest.raises(Unreadable, match="no archive that can be unpacked"):
            unzip(tmp_path / "cut.zip", tmp_path / "bad")
    assert not (tmp_path / "bad").exists() and not (tmp_path / "x").exists()


def test_weights_that_are_packed_are_none(tmp_path: Path) -> None:
    check_weights(packed(tmp_path / "stored.pt", {"x": bytes(1000)}, zipfile.ZIP_STORED))
    with pytest.raises(Oversized, match="it is no file of weights"):
        check_weights(packed(tmp_path / "packed.pt", {"x": bytes(100_000)}))


def test_pictures_are_measured_before_they_are_decoded() -> None:
    from PIL import Image

    def png(side: int) -> bytes:
        made = io.BytesIO()
        Image.fromarray(np.zeros((side, side), np.uint8)).save(made, "PNG")
        return made.getvalue()

    assert picture(png(8)).size == (8, 8)
    with pytest.raises(Oversized, match=r"5000x5000 pixels"):
        picture(png(5000))
    for content in (b"", b"x" * 100, png(8)[:20]):
        with pytest.raises(Unreadable, match="a picture cannot be read"):
            picture(content)


@pytest.fixture
def address() -> str:
    """Of a server that takes connections."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: [server.accept() for _ in range(10)], daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/"


def connects(address: str) -> bool:
    try:
        socket.create_connection(
            (address.split("/")[2].partition(":")[0], int(address.rpartition(":")[2][:-1]))
        ).close()
    except network.NoNetwork:
        return False
    return True


def test_the_network_is_closed_to_whatever_asks(address: str) -> None:
    assert connects(address)
    with network.closed() as asked:
        assert not connects(address)
        with pytest.raises(OSError, match="the network is not used here"):
            urllib.request.urlopen(address, timeout=1)
        found: list[bool] = []
        thread = threading.Thread(target=lambda: found.append(connects(address)))
        thread.start()
        thread.join()
        assert found == [False]
        with network.closed() as inside, network.opened():
            assert connects(address) and not network.is_closed()
        assert inside == [] and network.is_closed()
        a, b = socket.socketpair()  # of this machine, without a name
        a.send(b"x")
        assert b.recv(1) == b"x"
    assert len(asked) == 3 and set(asked) == {"127.0.0.1"} and connects(address)


def test_who_was_there_before_goes_on(address: str) -> None:
    """A thread of another library must not break because we need nothing of the network."""
    begin, found = threading.Event(), list[bool]()

    def work() -> None:
        begin.wait(10)
        found.append(connects(address))

    thread = threading.Thread(target=work)
    thread.start()
    with network.closed():
        begin.set()
        thread.join()
    assert found == [True]
