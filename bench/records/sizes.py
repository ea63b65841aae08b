"""How large evidence may be, asked of a Parquet file's own header before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...symmflow.bounded import check_size
from ...symmflow.errors import Oversized, Unreadable

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

FILE = 1 << 30
"""Bytes of a file."""
ROWS = 1 << 22
"""Rows of a table: of every image of a shard, all pairs of a hundred classes."""
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}
"""Bytes of a number. One that is repeated takes nearly no room in a file."""
UNPACKED = 128 << 20
"""Bytes of a table of one shard as it is read, where nothing is known of it; a file may also say `GROWTH` times its
own."""
GROWTH = 8
"""Figures and pictures hardly shrink: a table takes at most as many times its file's bytes, and `UNPACKED`."""


def header(path: Path) -> pyarrow.parquet.FileMetaData:
    """Of a table that may be read. Raises what `opened` raises."""
    with opened(path) as file:
        return file.metadata


@contextmanager
def opened(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    """A table that may be read. Raises `Oversized`, `Unreadable`, `OSError`."""
    import pyarrow
    import pyarrow.parquet as parquet

    size = check_size(path, FILE)
    with ExitStack() as stack:
        try:
            limits = {"thrift_string_size_limit": 1 << 20, "thrift_container_size_limit": 1 << 16}
            file = stack.enter_context(parquet.ParquetFile(path, **limits))
            _check(path, file.metadata, UNPACKED + GROWTH * size)
            _check_repeated(path, file, UNPACKED + GROWTH * size)
        except pyarrow.ArrowException as error:
            raise Unreadable(f"{path} is no table ({error})") from None
        yield file


def _check(path: Path, found: pyarrow.parquet.FileMetaData, most: int) -> None:
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    chunks = [group.column(column) for group in groups for column in range(group.num_columns)]
    unpacked = sum(max(c.total_uncompressed_size, c.num_values * WIDTHS.get(c.physical_type, 0)) for c in chunks)
    if found.num_rows > ROWS:
        raise Oversized(
            f"{path} says that it has {found.num_rows:,} rows, and evidence of a shard has at most {ROWS:,}"
        )
    if unpacked > most:
        raise Oversized(f"{path} would unpack to {unpacked:,} bytes, and evidence of its size to at most {most:,}")


def _check_repeated(path: Path, file: pyarrow.parquet.ParquetFile, most: int) -> None:
    """A value that is kept once and meant a million times: read as it is kept, then counted."""
    import pyarrow
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    found, asked = file.metadata, []
    for column in range(found.num_columns):
        chunks = [found.row_group(group).column(column) for group in range(found.num_row_groups)]
        bytes_like = chunks and chunks[0].physical_type == "BYTE_ARRAY"
        if bytes_like and sum(c.num_values * c.total_uncompressed_size for c in chunks) > most:
            asked.append(chunks[0].path_in_schema)
    if not asked:
        return
    with parquet.ParquetFile(path, read_dictionary=asked) as kept:
        for group in range(found.num_row_groups):
            for name, column in zip(asked, kept.read_row_group(group, columns=asked).columns, strict=False):
                meant = 0
                for chunk in column.chunks:
                    values = chunk.dictionary if pyarrow.types.is_dictionary(chunk.type) else chunk
                    lengths = compute.max(compute.binary_length(values)).as_py() if _textual(values) else 0
                    meant += (lengths or 0) * len(chunk)
                if meant > most:
                    raise Oversized(f"{path} would unpack {name} to {meant:,} bytes, more than evidence has")


def _textual(values: pyarrow.Array) -> bool:
    import pyarrow.types as types

    return any(is_kind(values.type) for is_kind in (types.is_string, types.is_binary, types.is_large_string))
