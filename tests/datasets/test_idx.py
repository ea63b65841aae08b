import gzip
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmbench import datasets
from symmbench.datasets import Card, idx, registry
from symmbench.datasets.cache import cache_folder
from symmbench.symmflow.errors import InputError


def write_idx(path: Path, array: np.ndarray) -> None:
    data = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files in the official layout, 12 training and 5 test images."""
    from dataclasses import replace

    for dataset in (idx.MNIST, idx.FASHION_MNIST):
        monkeypatch.setattr(dataset, "card", replace(dataset.card, splits={"train": 12, "test": 5}))
    registry._loaded.cache_clear()
    folder = tmp_path / "files"
    folder.mkdir()
    random = np.random.default_rng(0)
    for split, count in (("train", 12), ("t10k", 5)):
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", random.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        write_idx(folder / f"{split}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10)
    yield folder
    registry._loaded.cache_clear()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_files_are_found_under_the_root_and_resized(root: Path, name: str) -> None:
    data = datasets.load(name, "train", root)
    assert data.images.shape == (12, 1, 32, 32) and data.images.dtype == np.uint8
    assert data.labels.tolist() == [*range(10), 0, 1] and data.ids[0] == "train-00000"


def test_environment_names_a_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMMBENCH_DATA", str(root))
    assert len(datasets.load("mnist", "test")) == 5


def test_a_root_without_the_files_says_which(root: Path, tmp_path: Path) -> None:
    (root / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte\[.gz\]"):
        datasets.load("mnist", "test", root)
    with pytest.raises(InputError, match="not a folder"):
        datasets.load("mnist", "test", tmp_path / "none")


def kept() -> list[Path]:
    return sorted(cache_folder("manifests").glob("*"))


def test_a_manifest_decodes_no_image_and_reads_the_files_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(idx, "_resize", refuse)
    first = datasets.manifest("mnist", "test", root)
    assert first.ids == tuple(f"test-0000{i}" for i in range(5)) and first.shape == (1, 32, 32)
    monkeypatch.setattr(idx, "read_idx", refuse)
    assert datasets.manifest("mnist", "test", root) == first
    with pytest.raises(AssertionError):
        datasets.manifest("mnist", "train", root)  # other files


def test_the_content_hash_is_of_what_the_files_hold(root: Path, tmp_path: Path) -> None:
    known = datasets.manifest("mnist", "test", root).content_sha256
    other = tmp_path / "unpacked"
    other.mkdir()
    for file in root.iterdir():
        write_idx(other / file.name.removesuffix(".gz"), idx.read_idx(file))
    assert (
        datasets.manifest("mnist", "test", other).content_sha256
        == known
        != datasets.manifest("mnist", "train", other).content_sha256
    )
    datasets.load("mnist", "test", other).verify()


@pytest.mark.parametrize("part", ["images", "labels"])
def test_a_changed_file_is_read_again(root: Path, part: str) -> None:
    before, old = datasets.manifest("mnist", "test", root), datasets.load("mnist", "test", root).batch([0])
    (file,) = root.glob(f"t10k-{part}*")
    array = idx.read_idx(file).copy()
    array[0] ^= 1
    write_idx(file, array)
    after, new = datasets.manifest("mnist", "test", root), datasets.load("mnist", "test", root).batch([0])
    assert after.content_sha256 != before.content_sha256 and after.ids == before.ids and len(kept()) == 1
    assert np.array_equal(old.images, new.images) == (part == "labels")
    assert np.array_equal(old.labels, new.labels) == (part == "images")
    datasets.load("mnist", "test", root).verify()


def test_files_that_changed_unseen_are_found_when_they_are_opened(root: Path) -> None:
    datasets.manifest("mnist", "test", root)
    file = root / "t10k-labels-idx1-ubyte"
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    write_idx(file, np.zeros(5, dtype=np.uint8))
    os.utime(file, ns=times)  # the same size and time: the manifest is still the old one
    with pytest.raises(InputError, match=r"other data of mnist test .* get its files again"):
        datasets.load("mnist", "test", root).verify()


@pytest.mark.parametrize("damage", ["", "[]", "null", '{"content_sha256": 7}', "half", "another hash", "folder"])
def test_a_damaged_cache_is_made_again(root: Path, damage: str) -> None:
    before = datasets.manifest("mnist", "test", root)
    (file,) = kept()
    whole = file.read_text()
    if damage == "half":
        file.write_text(whole[: len(whole) // 2])
    elif damage == "another hash":
        file.write_text(whole.replace(before.content_sha256, before.content_sha256[:40]))
    elif damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_text(damage)
    assert datasets.manifest("mnist", "test", root) == before
    assert (damage == "folder" or file.read_text() == whole) and kept() == [file]


@pytest.mark.parametrize("damage", ["truncated", "corrupted", "not idx", "wrong count", "wrong class"])
def test_damaged_files(root: Path, damage: str) -> None:
    images, labels = root / "t10k-images-idx3-ubyte.gz", root / "t10k-labels-idx1-ubyte"
    if damage == "truncated":
        images.write_bytes(images.read_bytes()[:500])
    elif damage == "corrupted":
        data = bytearray(images.read_bytes())
        data[60:80] = bytes(20)
        images.write_bytes(data)
    elif damage == "not idx":
        labels.write_bytes(b"hello world")
    elif damage == "wrong count":
        write_idx(labels, np.zeros(4, dtype=np.uint8))
    else:
        write_idx(labels, np.full(5, 10, dtype=np.uint8))
    with pytest.raises(InputError, match=r"get (it|the official files?) again"):
        datasets.load("mnist", "test", root)


def test_files_are_fetched_from_torchvisions_mirrors(root: Path, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which are replaced by a server on this machine."""
    import torchvision.datasets

    kind, resources = torchvision.datasets.MNIST, []
    for file in sorted(root.glob("*ubyte*")):
        name = f"{file.name.removesuffix('.gz')}.gz"
        write_idx(file.with_name(name), idx.read_idx(file))
        served.files[f"/{name}"] = file.with_name(name).read_bytes()
        resources.append((name, hashlib.md5(served.files[f"/{name}"]).hexdigest()))
    monkeypatch.setattr(kind, "mirrors", [f"{served.url}/"])
    monkeypatch.setattr(kind, "resources", resources)
    with pytest.raises(InputError, match=r"mnist is not on this machine. `bench data get mnist`"):
        datasets.load("mnist", "test")
    assert not served.asked  # only who is told to
    said: list[tuple[str, int, int]] = []
    folder = datasets.get("mnist", None, lambda *now: said.append(now))
    assert folder == cache_folder("data") / "MNIST" / "raw" and {name for name, *_ in said} == {*dict(resources)}
    assert len(datasets.load("mnist", "test")) == 5 and len(datasets.load("mnist", "train")) == 12
    assert datasets.get("mnist") == folder and datasets.get("mnist", root) == root and len(served.asked) == 4


def test_the_real_mnist(real_mnist: Path) -> None:
    data = datasets.load("mnist", "test", real_mnist)
    assert len(data) == 10_000 and data.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.skipif(not idx.DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_real_fashion_mnist() -> None:
    data = datasets.load("fashion-mnist", "test")
    assert len(data) == 10_000 and np.bincount(data.labels).tolist() == [1000] * 10


def test_cards_are_complete() -> None:
    for name in datasets.names():
        card: Card = datasets.card(name)
        assert card.name == name and card.licence and card.source and card.obtain
        assert card.palette is None or len(card.palette) == len(card.classes)
