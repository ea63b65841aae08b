"""Pieces: bytes of a file, of a part of one, of an archive's member or of a Parquet cell, found without reading."""

from __future__ import annotations

import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..symmflow.errors import InputError

CRC = "crc32:"
"""Begins the checksum that a zip archive has of a member."""
OWN = "bytes:"
"""Begins the SHA-256 of the bytes of a piece that is not a whole file, where a layout has taken it."""


@dataclass(frozen=True)
class Piece:
    """Where some bytes of a sample lie. Made by `whole`, `part`, `members` and `cell`."""

    path: Path
    """The file that holds it."""
    size: int
    """Bytes of it, decompressed; -1: unknown until it is read."""
    kind: str = "file"
    """file | part | zip | parquet."""
    member: str = ""
    """Name in the archive, or column of the Parquet file (`image.bytes` for a field of a struct)."""
    start: int = 0
    """First byte in the file (of an archive: of the member's header), or row of the Parquet file."""
    length: int = 0
    """Bytes in the file from there."""
    checksum: str = ""
    """As the archive, or who knows the file, says it; empty: the manifest takes the SHA-256 of the whole file."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        inside = {"zip": f":{self.member}", "parquet": f":{self.member}[{self.start}]", "part": f"[{self.start}:]"}
        return f"{self.path}{inside.get(self.kind, '')}"

    def read(self) -> Read:
        """Its bytes. Raises `InputError` where they are not there or damaged."""
        try:
            return Read(self.name, _READERS[self.kind](self))
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror or error}.") from None


@dataclass(frozen=True)
class Read:
    """The bytes of a piece, and what it is called in messages."""

    name: str
    data: bytes


def whole(path: Path) -> Piece:
    """A file."""
    try:
        return Piece(path, path.stat().st_size)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def part(path: Path, start: int, length: int) -> Piece:
    """Some bytes of a file."""
    return Piece(path, length, "part", start=start, length=length)


def members(path: Path) -> dict[str, Piece]:
    """The files in a zip archive by name, from its directory alone."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                entry.filename: Piece(
                    path,
                    entry.file_size,
                    "zip",
                    entry.filename,
                    entry.header_offset,
                    entry.compress_size,
                    f"{CRC}{entry.CRC:08x}",
                )
                for entry in archive.infolist()
                if not entry.is_dir()
            }
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a whole zip archive ({error}); get it again.") from None


def cell(path: Path, column: str, row: int, *, size: int = -1, checksum: str = "") -> Piece:
    """A cell of binary data of a Parquet file; `checksum`: of the file, where somebody knows it."""
    return Piece(path, size, "parquet", column, row, checksum=checksum)


def _file(piece: Piece) -> bytes:
    return piece.path.read_bytes()


def _part(piece: Piece) -> bytes:
    with piece.path.open("rb") as file:
        file.seek(piece.start)
        data = file.read(piece.length)
    if len(data) != piece.length:
        raise InputError(f"{piece.path} ends before byte {piece.start + piece.length}; get it again.")
    return data


def _zip(piece: Piece) -> bytes:
    """Straight from its place: the directory of a large archive is not kept in memory."""
    with piece.path.open("rb") as file:
        file.seek(piece.start)
        header = file.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise InputError(f"{piece.path} has changed or is damaged: {piece.member} is not where it was.")
        flags, method = struct.unpack("<HH", header[6:10])
        name, extra = struct.unpack("<HH", header[26:30])
        file.seek(name + extra, os.SEEK_CUR)
        data = file.read(piece.length)
    if flags & 1 or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{piece.name} is encrypted or packed in a way that is not read; unpack the archive.")
    try:
        data = zlib.decompress(data, -zlib.MAX_WBITS) if method else data
    except zlib.error:
        data = b""
    if f"{CRC}{zlib.crc32(data):08x}" != piece.checksum:
        raise InputError(f"{piece.name} is damaged: its checksum is not the archive's; get the archive again.")
    return data


def _parquet(piece: Piece) -> bytes:
    state = piece.path.stat()
    of = (piece.path, state.st_size, state.st_mtime_ns, os.getpid())
    groups = _row_groups(*of)
    number = next(n for n, (first, last) in enumerate(groups) if first <= piece.start < last)
    column, *fields = piece.member.split(".")
    with _reading(os.getpid()):  # by one thread, and not by each that comes to a new group
        rows = _row_group(*of, number, column)
    value = rows[piece.start - groups[number][0]].as_py()
    for field in fields:
        value = value and value[field]
    if not isinstance(value, bytes):
        raise InputError(f"{piece.name} holds no bytes; name a column of encoded images.")
    return value


_READERS: Mapping[str, Callable[[Piece], bytes]] = {"file": _file, "part": _part, "zip": _zip, "parquet": _parquet}


@lru_cache(maxsize=4)
def _reading(process: int) -> threading.Lock:
    """Of each process its own, lest one that is forked waits for a thread that it does not have."""
    return threading.Lock()


@lru_cache(maxsize=64)
def _row_groups(path: Path, size: int, time: int, process: int) -> list[tuple[int, int]]:
    """First row and row after the last of each row group."""
    import pyarrow.parquet as parquet

    found, first = [], 0
    facts = parquet.read_metadata(path)
    for number in range(facts.num_row_groups):
        count = facts.row_group(number).num_rows
        found.append((first, first + count))
        first += count
    return found


@lru_cache(maxsize=4)
def _row_group(path: Path, size: int, time: int, process: int, number: int, column: str) -> Any:
    """A column of a row group; few are kept, for readers that go in order."""
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path, memory_map=True) as file:
        return file.read_row_group(number, columns=[column])[column]
