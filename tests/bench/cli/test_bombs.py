"""Small files that would unpack to gigabytes are refused, in a sentence, before they take memory or disk."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest

from symmbench import methods
from symmbench.bench import api

MOST = 500
"""Megabytes that a command may take in all while it refuses."""
MEASURED = """
import contextlib, io, json, pathlib, sys
from symmbench.bench.cli import main
ended = []
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(arguments)
        except SystemExit as end:
            ended.append((end.code, said.getvalue()))
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
json.dump({"ended": ended, "megabytes": peak / 1000}, sys.stdout)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bombs") / "results"
    api.run(methods="symmflow", tasks="cls", datasets="two-spirals", steps=1, limit=20, out=out, device="cpu")
    return out


def zeros(archive: zipfile.ZipFile, name: str) -> None:
    block = bytes(1 << 24)
    with archive.open(name, "w", force_zip64=True) as inside:
        for _ in range(32):
            inside.write(block)


def baseline(folder: Path, results: Path) -> list[str]:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        zeros(archive, "d/cls/x/record.json")
    return ["gate", "HERE/bomb.zip", str(results)]


def npz(folder: Path, results: Path) -> list[str]:
    """NumPy's archive, which is no baseline either."""
    made = io.BytesIO()
    np.savez_compressed(made, x=np.zeros((1 << 27,), np.uint8))
    (folder / "bomb.npz").write_bytes(made.getvalue())
    return ["gate", "HERE/bomb.npz", str(results)]


def record(folder: Path, results: Path) -> list[str]:
    """Sparse: it has its size, and takes no room."""
    store = shutil.copytree(results, folder / "store")
    with next(store.glob("*/*/*/record.json")).open("r+b") as file:
        file.truncate(3 << 29)
    return ["compare", "HERE/store"]


def parsed(folder: Path, results: Path) -> list[str]:
    """As large as a record may be, and all of it empty lists, which take most memory when they are parsed."""
    store = shutil.copytree(results, folder / "store")
    file = next(store.glob("*/*/*/record.json"))
    said = json.loads(file.read_text())
    said["details"] = {"x": [[]] * 2_600_000}
    file.write_text(json.dumps(said, separators=(",", ":")))
    return ["list", "runs", "--out", "HERE/store"]


def repeated(folder: Path, results: Path) -> list[str]:
    """One string that is kept once and meant two hundred times."""
    store = shutil.copytree(results, folder / "store")
    once = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * 20, pyarrow.int32()), pyarrow.array(["x" * 40_000_000])
    )
    numbers = pyarrow.array([0] * 20)
    table = pyarrow.table({"id": once, "label": numbers, "prediction": numbers})
    for path in store.glob("*/*/*/evidence*/samples-*.parquet"):
        parquet.write_table(table, path, compression="zstd")
    return ["rescore", "HERE/store"]


def rows(folder: Path, results: Path) -> list[str]:
    store = shutil.copytree(results, folder / "store")
    for path in store.glob("*/*/*/evidence*/samples-*.parquet"):
        parquet.write_table(pyarrow.table({"id": np.zeros(1 << 24, np.int32)}), path, compression="zstd")
    return ["rescore", "HERE/store"]


def recipe(folder: Path, results: Path) -> list[str]:
    with (folder / "bomb.toml").open("wb") as file:
        file.truncate(3 << 29)
    return ["train", "--recipe", "HERE/bomb.toml"]


def manifest(folder: Path, results: Path) -> list[str]:
    shutil.copytree(methods.bundled("digits")["cnn"], folder / "cnn")
    with (folder / "cnn" / "checkpoint.json").open("r+b") as file:
        file.truncate(3 << 29)
    return ["run", "-m", "cnn", "-t", "cls", "--checkpoint", "HERE/cnn"]


def idx(folder: Path, results: Path) -> list[str]:
    """The images say that they are four thousand million."""
    for split, count in (("train", 60_000), ("t10k", 10_000)):
        head = b"\0\0\x08\x03" + (1 << 32 - 1).to_bytes(4, "big") + (28).to_bytes(4, "big") * 2
        with gzip.open(folder / f"{split}-images-idx3-ubyte.gz", "wb", compresslevel=1) as file:
            file.write(head)
            for _ in range(8):
                file.write(bytes(1 << 24))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + count.to_bytes(4, "big") + bytes(count))
    return ["data", "verify", "mnist", "--data-root", "HERE/."]


BOMBS: dict[Callable[[Path, Path], list[str]], tuple[int, str]] = {
    baseline: (2, "bomb.zip would unpack to 536,870,912 bytes, and one of its size to at most"),
    npz: (2, "bomb.npz would unpack to 134,217,8"),
    record: (2, "record.json is too large: 1,610,612,736 bytes, and such a file has at most 8,388,608"),
    parsed: (0, "two-spirals"),
    repeated: (2, "would unpack id to 800,000,000 bytes, more than evidence has"),
    rows: (2, "says that it has 16,777,216 rows, and evidence of a shard has at most 4,194,304"),
    recipe: (
        2,
        "bomb.toml is too large: 1,610,612,736 bytes, and such a file has at most 1,048,576; give the",
    ),
    manifest: (2, "checkpoint.json is too large: 1,610,612,736 bytes"),
    idx: (2, "it says that it holds 2147483648x28x28 bytes, and at most"),
}


def test_bombs_are_refused(tmp_path: Path, results: Path) -> None:
    """By one process, whose memory is measured; nothing of them lands on the disk."""
    calls = []
    for bomb in BOMBS:
        folder = tmp_path / bomb.__name__
        folder.mkdir()
        calls.append([a.replace("HERE", str(folder)) for a in bomb(folder, results)])
    before = {path: path.stat().st_size for path in tmp_path.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    found = json.loads(done.stdout)
    for (bomb, (code, said)), (ended, shown) in zip(BOMBS.items(), found["ended"], strict=True):
        assert ended == code and said in shown and "Traceback" not in shown, f"{bomb.__name__}: {shown}"
    assert found["megabytes"] < MOST
    after = {path: path.stat().st_size for path in tmp_path.rglob("*") if (tmp_path / "cache") not in path.parents}
    assert {path for path in after.keys() - before.keys() if path.is_file()} == set()


def test_weights_of_pytorch_that_grow_are_refused(bench: Any, tmp_path: Path) -> None:
    """`torch.save` packs nothing; PyTorch would unpack all the same."""
    import torch

    run = ("train", "--recipe", "two-spirals/symmflow", "--max-steps", "1", "--device", "cpu", "--out", "run")
    assert bench(*run).returncode == 0
    shutil.rmtree(tmp_path / "run" / "state")
    state = tmp_path / "run" / "state.pt"  # of an earlier version
    torch.save({"x": torch.zeros(1 << 20)}, tmp_path / "plain.pt")
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, zipfile.ZipFile(state, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    done = bench(*run)
    assert done.returncode == 2 and "more than it has; it is no file of weights" in done.stderr, done.stderr


@pytest.mark.parametrize("channels", [4096, 65536])
def test_a_network_that_no_machine_can_hold_is_refused_before_it_is_built(bench: Any, channels: int) -> None:
    asked = (f"network.channels={channels}", "network.depth=64", "network.multipliers=[1,64,64]")
    done = bench(
        "train",
        "-r",
        "digits/symmflow",
        "--device",
        "cpu",
        "--max-steps",
        "1",
        *(x for a in asked for x in ("--set", a)),
    )
    assert done.returncode == 2 and "make it smaller (network.channels, multipliers, depth)" in done.stderr, done.stderr
