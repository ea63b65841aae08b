"""Prepared splits: the same pixels, whoever made them, and however far they got."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from layouts import camvid

from symmbench import datasets
from symmbench.datasets import prepared

NAME = "camvid@24x32"
PREPARE = """
import sys
from pathlib import Path
from symmbench import datasets
from symmbench.datasets import prepared
prepared.SHARD = 1
datasets.prepare(datasets.load("camvid@24x32", "test", Path(sys.argv[1])))
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepared, "SHARD", 1)
    return camvid.tutorial(tmp_path)


def split(root: Path, name: str = NAME) -> datasets.FileSplit:
    found = datasets.dataset(name).load("test", root)
    assert isinstance(found, datasets.FileSplit)
    return found


def same(a: datasets.Batch, b: datasets.Batch) -> bool:
    pairs = [(a.images, b.images), (a.labels, b.labels), *zip(a.originals, b.originals, strict=True)]
    return a.ids == b.ids and all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in pairs)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_same_pixels_to_the_bit(root: Path, workers: int) -> None:
    direct, told = split(root), list[tuple[int, int]]()
    folder = datasets.prepare(direct, workers, lambda *now: told.append(now))
    ready = split(root)
    assert len(list(folder.glob("*.arrow"))) == 4 == len(ready.ready) and not direct.ready
    assert told[-1] == (4, 4)
    index = [3, 0, 0]
    for a, b in ((direct, ready), (direct.with_originals(), ready.with_originals())):
        assert same(a.batch(index), b.batch(index))


def test_prepared_samples_are_read_from_where_they_are_prepared(root: Path) -> None:
    datasets.prepare(split(root))
    ready, before = split(root), split(root).batch([0, 2])
    for image in (root / "test").iterdir():
        image.write_bytes(b"")  # nobody looks at them any more
    assert same(ready.batch([0, 2]), before)


def test_what_is_not_there_yet_is_decoded_and_preparing_goes_on(root: Path) -> None:
    direct = split(root)
    folder = datasets.prepare(direct)
    (folder / "00002.arrow").unlink()
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    partly = split(root)
    assert partly.ready == {0, 1, 3} and same(partly.batch(range(4)), direct.batch(range(4)))
    datasets.prepare(partly)
    assert split(root).ready == {0, 1, 2, 3}
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())


def test_two_processes_at_once(root: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", PREPARE, str(root)]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    ready = split(root)
    assert len(ready.ready) == 4 and not [p for p in ready.place.iterdir() if p.name.startswith(".")]
    assert same(ready.batch(range(4)), split_without(ready).batch(range(4)))


def split_without(ready: datasets.FileSplit) -> datasets.FileSplit:
    return datasets.FileSplit(ready.card, ready.manifest, ready.files, ready.layout, ready.view)


def test_other_views_and_other_files_are_prepared_elsewhere(root: Path) -> None:
    folder = datasets.prepare(split(root))
    assert not split(root, "camvid@24x32-center").ready
    (root / "test" / "0001TP_008550.png").write_bytes((root / "test" / "0001TP_008580.png").read_bytes())
    changed = split(root)
    assert not changed.ready and changed.place != folder


def test_the_command_says_where_and_how_much(bench, root: Path) -> None:  # type: ignore[no-untyped-def]
    done = bench("data", "prepare", "camvid", "--data-root", str(root), "--size", "24x32", "--workers", "0")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"{NAME} {s}" for s in ("train", "validation", "test")]
    assert "4 samples, " in lines[2] and len(split(root).ready) == 4
    refused = bench("data", "prepare", "digits")
    assert refused.returncode == 2 and "there is nothing to prepare" in refused.stderr
