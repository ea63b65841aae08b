"""Files from elsewhere, read within bounds: how large one may be is known before it is read or unpacked."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import stat
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import InputError, Oversized, Unreadable
from .names import fault, one_line

TEXT = 1 << 20
"""Bytes that a file written by hand may have: a recipe, floors, a protocol."""
RECORD = 8 << 20
"""Bytes that a file written by a program may have that is read whole and parsed, which takes some twenty times as
much memory."""
GROWTH, SMALL = 20, 32 << 20
"""An archive may unpack to as many times its own bytes, and these on top."""
FILES = 100_000
"""Files that an archive may hold."""
LONGEST_NUMBER = 400
"""Characters of a number."""


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file of at most so many bytes. Raises `Oversized`, and `OSError` where it cannot be read."""
    check_size(path, most)  # before it is opened: a pipe would wait for somebody who writes
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:  # it has grown, or says that it is empty as those of /proc do
        raise _too_large(path, len(content), most)
    return content


def check_size(path: Path, most: int) -> int:
    """The bytes of a file. Raises `Oversized` where there are too many, `Unreadable` for a device or a pipe."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable(f"{path} is a device or a pipe, not a file")
    if found.st_size > most:
        raise _too_large(path, found.st_size, most)
    return found.st_size


def read_json(path: Path, most: int = RECORD) -> Any:
    """The value in a JSON file. Raises `Oversized`, `Unreadable`, `OSError`."""
    try:
        return json.loads(read_bytes(path, most), parse_int=_whole)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise Unreadable(f"{path} is not valid JSON: {_why(error)}") from None


def read_toml(path: Path, most: int = TEXT) -> dict[str, Any]:
    """The tables of a TOML file. Raises `Oversized`, `InputError` for what is no TOML, `OSError`."""
    content = read_bytes(path, most)
    try:
        return toml(content.decode())
    except ValueError as error:
        raise InputError(f"{path} is not a valid TOML file: {_why(error)}.") from None


def toml(text: str) -> dict[str, Any]:
    """The tables of a text. Raises `ValueError` for what is no TOML, nested beyond reading, or a number of no end."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def gunzip(path: Path, expected: Callable[[bytes], int], head: int) -> bytes:
    """The content of a file, packed or not. `expected`: from its first `head` bytes, how many bytes it has in all.

    No more than that is unpacked. Raises `ValueError` where it has another size, `OSError` where it cannot be read.
    """
    packed = path.suffix == ".gz"
    check_size(path, 1 << 40)
    with gzip.open(path) if packed else path.open("rb") as file:
        first = file.read(head)
        size = expected(first)
        content = first + file.read(max(size - len(first), 0))
        if len(content) != size or file.read(1):
            raise ValueError(f"it should hold {size:,} bytes and holds {'more' if len(content) == size else 'fewer'}")
    return content


def unzip(path: Path, folder: Path) -> None:
    """Unpack an archive into a folder. Raises `Oversized` where it would grow beyond measure, `Unreadable`."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > FILES:
                raise Oversized(f"{path} holds {len(entries):,} files, and at most {FILES:,} are read")
            check_growth(path, sum(entry.file_size for entry in entries))
            for entry in entries:
                if any(fault(part) for part in entry.filename.rstrip("/").split("/")):
                    raise Unreadable(f"{path} holds {one_line(repr(entry.filename), 80)}, which is no name of a file")
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"{path} is no archive that can be unpacked ({_why(error)})") from None


def check_growth(path: Path, unpacked: int) -> None:
    """Raise `Oversized` where a file would take far more room unpacked than it takes itself."""
    if unpacked > (most := GROWTH * path.stat().st_size + SMALL):
        raise Oversized(f"{path} would unpack to {unpacked:,} bytes, and one of its size to at most {most:,}")


def check_weights(path: Path) -> None:
    """Refuse a file of PyTorch weights that would grow when it is read: `torch.save` packs nothing."""
    check_size(path, 1 << 44)
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise Unreadable(f"{path} is no file of weights ({_why(error)})") from None
        if unpacked > path.stat().st_size:
            raise Oversized(f"{path} would unpack to {unpacked:,} bytes, more than it has; it is no file of weights")


def picture(content: bytes, most: int = 1 << 24) -> Any:
    """A picture (Pillow's, not yet decoded) of at most so many pixels. Raises `Unreadable`, `Oversized`."""
    from PIL import Image, UnidentifiedImageError

    try:
        found = Image.open(io.BytesIO(content))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise Unreadable(f"a picture cannot be read ({_why(error)})") from None
    if found.width * found.height > most:
        raise Oversized(f"a picture has {found.width}x{found.height} pixels, and at most {most:,} in all are read")
    return found


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)


def _too_large(path: Path, size: int, most: int) -> Oversized:
    return Oversized(f"{path} is too large: {size:,} bytes, and such a file has at most {most:,}")


def _why(error: BaseException) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else one_line(str(error) or repr(error), 200)
