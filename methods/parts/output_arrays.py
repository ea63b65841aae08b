"""Arrays in NPY files and NPZ archives, read by rows: never more of them in memory than is asked for."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...symmflow.errors import InputError

Array = np.ndarray


class Rows:
    """An array [N, ...] on disk. A packed member of an archive is read from front to back, anything else in place."""

    def __init__(self, path: Path, member: str | None = None) -> None:
        self.path, self.member = path, member
        self.name = str(path) if member is None else f"{path}:{member}"
        with self._reading():
            self.file, self.packed = _opened(path, member)
            self.shape, self.dtype = _header(self.file, self.name)
            self.start = self.file.tell()
        self.held: tuple[int, Array] | None = None
        """First row and rows of the block that was read last, of a packed member."""

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 0

    def take(self, index: Sequence[int], within: tuple[int, int]) -> Array:
        """Rows by number, [len(index), ...]; all between these two will be asked for before others are."""
        if not self.packed:
            places, back = np.unique(np.asarray(index), return_inverse=True)
            return np.stack([self._block(int(row), int(row) + 1)[0] for row in places])[back]
        if self.held is None or self.held[0] != within[0] or len(self.held[1]) < within[1] - within[0]:
            self.held = within[0], self._block(*within)
        return np.asarray(self.held[1][np.asarray(index) - self.held[0]])

    def everything(self) -> Array:
        """All rows, of an array that is small."""
        return self._block(0, len(self)) if self.shape else self._block(0, 1)[0]

    def _block(self, first: int, last: int) -> Array:
        inner = self.shape[1:]
        size = math.prod(inner) * self.dtype.itemsize
        with self._reading():
            self.file.seek(self.start + first * size)
            data = self.file.read((last - first) * size)
        if len(data) < (last - first) * size:
            raise InputError(f"{self.name} ends before row {last:,} of {len(self):,}; it is damaged, write it again.")
        return np.frombuffer(data, self.dtype).reshape(last - first, *inner)

    def _reading(self) -> _Reading:
        return _Reading(self.name)


class _Reading:
    """Errors of files and archives in a sentence."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError | zipfile.BadZipFile | zlib.error | EOFError | KeyError | struct.error):
            raise InputError(f"{self.name} cannot be read ({error}); write it again.") from None


def members(path: Path) -> list[str]:
    """The arrays in an NPZ archive, without `.npy`."""
    with _Reading(str(path)):
        return [name.removesuffix(".npy") for name in _archive(path).namelist() if name.endswith(".npy")]


def _archive(path: Path) -> zipfile.ZipFile:
    facts = path.stat()
    return _known_archive(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=2)
def _known_archive(path: Path, size: int, changed: int) -> zipfile.ZipFile:
    """Its directory is read once."""
    return zipfile.ZipFile(path)


def _opened(path: Path, member: str | None) -> tuple[IO[bytes], bool]:
    """The bytes of an NPY file from its beginning, and whether they are packed."""
    if member is None:
        return path.open("rb"), False
    archive = _archive(path)
    entry = archive.getinfo(f"{member}.npy")
    if entry.compress_type != zipfile.ZIP_STORED:
        return archive.open(entry), True
    file = path.open("rb")
    file.seek(entry.header_offset)
    name, extra = struct.unpack("<HH", file.read(30)[26:30])
    file.seek(name + extra, 1)
    return file, False


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = read(file)
    except (ValueError, KeyError) as error:
        raise InputError(f"{name} is no array of NumPy ({error}); write it with numpy.save.") from None
    if dtype.hasobject or (fortran and len(shape) > 1):
        kind = "Python objects" if dtype.hasobject else "columns first"
        raise InputError(f"{name} holds {kind}; write it with numpy.save, of numbers, rows first.")
    return tuple(shape), dtype
