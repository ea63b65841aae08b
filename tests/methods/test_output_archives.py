"""Archives of outputs that are larger than memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))
from pathlib import Path
from symmbench.datasets import Card
from symmbench.methods.parts.output_reader import Wanted
from symmbench.methods.parts.output_readers import images_of

path, n = Path(sys.argv[1]), int(sys.argv[2])
card = Card(name="d", title="", tasks=("sis",), classes=("x",), shape=(3, 256, 256), splits={}, licence="")
ids = tuple(map(str, range(n)))
reader = images_of(path, card, Wanted(ids, ids))
seen = [value for at in range(0, n, 64) for value in reader.read(ids[at : at + 64], 0)[:, 0, 0, 0].tolist()]
print([at for at, value in enumerate(seen) if value == 7])
"""


def packed(path: Path, header: bytes, n: int, size: int) -> None:
    """Every 200th image, from the fourth, begins with a 7."""
    block = bytearray(200 * size)
    block[3 * size] = 7
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("arr_0.npy", "w", force_zip64=True) as member,
    ):
        member.write(header)
        for _ in range(n // 200):
            member.write(block)


def stored(path: Path, header: bytes, n: int, size: int) -> None:
    """The same, as a file with holes: zeros cost no time. Its checksum is left out."""
    name, length = b"arr_0.npy", len(header) + n * size
    facts = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, 0, length, length, len(name), 0)
    with path.open("wb") as file:
        file.write(b"PK\x03\x04" + facts + name + header)
        start = file.tell()
        for row in range(3, n, 200):
            file.seek(start + row * size)
            file.write(b"\x07")
        end = start + n * size
        file.seek(end)
        file.write(b"PK\x01\x02\x14\x00" + facts + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name)
        file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, file.tell() - end, end, 0))


@pytest.mark.parametrize("make", [stored, pytest.param(packed, marks=pytest.mark.slow)])
def test_an_archive_larger_than_memory_is_read_by_rows(tmp_path: Path, make: Callable[..., None]) -> None:
    n, size = 5600, 256 * 256 * 3  # 1.1 GB
    path, header = tmp_path / "samples.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (n, 256, 256, 3)})
    make(path, header.getvalue(), n, size)
    command = [sys.executable, "-c", LIMITED, str(path), str(n)]
    done = subprocess.run(command, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([200 * i + 3 for i in range(n // 200)])
