"""CIFAR-10: the binary version, the pickles behind their MD5 and an allow-list, folders of JPEGs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import cifar10 as drawn
from PIL import Image

from symmbench import datasets
from symmbench.datasets import FileDataSet, FileSplit
from symmbench.datasets.cifar10 import CIFAR_10, MD5, Binary, ClassFolders, Pickles
from symmbench.datasets.listed import Incomplete
from symmbench.symmflow.errors import InputError

COUNT = 20
OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
"""Two of torchvision/datasets/cifar.py, and the test batch's."""


BOTH = """
from dataclasses import replace
from symmbench.datasets import FileDataSet
from symmbench.datasets.cifar10 import CIFAR_10, Binary, Pickles

card = replace(CIFAR_10.card, name="both", splits={"train": 100, "test": 20}, counts={})
BOTH = FileDataSet(card, (Binary(20), Pickles(20, MD5)), "both@1")
"""


def of(*layouts: Binary | Pickles) -> FileDataSet:
    """The data set in files of 20 records."""
    return FileDataSet(CIFAR_10.card, layouts, CIFAR_10.version)


def test_the_binary_version(tmp_path: Path) -> None:
    drawn.binary(tmp_path, COUNT)
    data, made = of(Binary(COUNT)).load("train", tmp_path), drawn.batches(COUNT)
    assert len(data) == 5 * COUNT and data.ids[0] == "train-00000" and data.ids[-1] == "train-00099"
    for batch, name in enumerate(drawn.TRAIN):
        images, labels = made[name]
        for row in (0, 7, COUNT - 1):
            image, label = data.pixels(batch * COUNT + row)
            assert np.array_equal(image, images[row]) and label == labels[row]
    assert len(of(Binary(COUNT)).load("test", tmp_path / "cifar-10-batches-bin")) == COUNT  # the folder itself


def test_a_pixel_of_a_record_by_hand(tmp_path: Path) -> None:
    record = bytearray(3_073)
    record[0] = 6  # a frog
    record[1 + 2 * 1024 + 5 * 32 + 3] = 200  # blue, row 5, column 3
    path = tmp_path / "cifar-10-batches-bin" / "test_batch.bin"
    path.parent.mkdir()
    path.write_bytes(record)
    image, label = of(Binary(1)).load("test", tmp_path).pixels(0)
    assert label == 6 and image.shape == (3, 32, 32) and image[2, 5, 3] == 200 and image.sum() == 200


def test_both_versions_hold_the_same_under_one_hash(tmp_path: Path) -> None:
    drawn.binary(tmp_path, COUNT)
    md5 = drawn.python(tmp_path, COUNT)
    for split in ("train", "test"):
        one, other = (of(kind).load(split, tmp_path) for kind in (Binary(COUNT), Pickles(COUNT, md5)))
        assert one.manifest == other.manifest
        chosen = [0, len(one) - 1]
        assert np.array_equal(one.batch(chosen).images, other.batch(chosen).images)
        assert one.batch(chosen).labels.tolist() == other.batch(chosen).labels.tolist()


def test_versions_that_hold_other_images_are_told(
    tmp_path: Path, third_party: Callable[..., None], bench: Callable[..., Any]
) -> None:
    md5 = drawn.python(tmp_path, COUNT)
    folder = drawn.binary(tmp_path, COUNT)
    third_party(BOTH.replace("MD5", repr(md5)), datasets={"both": "theirs:BOTH"})
    assert bench("data", "verify", "both", "--data-root", str(tmp_path)).returncode == 0
    data = bytearray((folder / "test_batch.bin").read_bytes())
    data[1_000] ^= 1
    (folder / "test_batch.bin").write_bytes(data)
    done = bench("data", "verify", "both", "--data-root", str(tmp_path))
    assert done.returncode == 1
    assert "changed: the binary version and the python version of test in" in done.stdout
    assert "of train in" not in done.stdout


def test_a_pickle_is_not_opened_unless_it_is_the_official_one(tmp_path: Path) -> None:
    drawn.python(tmp_path, COUNT)
    touched = tmp_path / "touched"
    evil = f"cpathlib\nPath\n(V{touched}\ntRp0\n0cpathlib\nPath.touch\n(g0\ntR.".encode()
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(evil)
    assert {name: MD5[name] for name in OFFICIAL_MD5} == OFFICIAL_MD5
    with pytest.raises(InputError, match=r"test_batch has the MD5 \w{32}, the official file 40351d58.*not read"):
        datasets.load("cifar-10", "test", tmp_path)
    assert not touched.exists()


@pytest.mark.parametrize("name", ["os\nsystem", "numpy\nload", "builtins\neval", "numpy.core.multiarray\nscalar"])
def test_a_pickle_of_known_md5_names_nothing_but_arrays(name: str, tmp_path: Path) -> None:
    images, labels = drawn.records(0, COUNT)
    data = drawn.pickled(images.reshape(COUNT, -1), labels, reconstruct=name)
    with pytest.raises(InputError, match=rf"names {name.replace(chr(10), '.')}, which no official one does"):
        list(Pickles(COUNT, {"test_batch": hashlib.md5(data).hexdigest()}).found(tmp_path / "test_batch", data))


def test_a_binary_file_of_another_length_is_named(tmp_path: Path) -> None:
    folder = drawn.binary(tmp_path, COUNT)
    with pytest.raises(InputError, match=r"test_batch.bin has 61,460 bytes, not 30,730,000 \(10,000 records of 3,073"):
        datasets.load("cifar-10", "test", folder)


def test_records_of_no_class_and_missing_files_are_named(tmp_path: Path) -> None:
    folder = drawn.binary(tmp_path, COUNT)
    (folder / "data_batch_4.bin").unlink()
    path = folder / "data_batch_2.bin"
    data = bytearray(path.read_bytes())
    data[3 * 3_073], data[9 * 3_073] = 10, 255
    path.write_bytes(data)
    with pytest.raises(Incomplete) as said:
        Binary(COUNT).samples(tmp_path, "train")
    assert said.value.missing == (folder / "data_batch_4.bin",) and len(said.value.samples) == 4 * COUNT - 2
    assert said.value.wrong[0].endswith("data_batch_2.bin record 3 is of class 10, not of 0 to 9")


def test_class_folders(tmp_path: Path) -> None:
    root = drawn.jpeg(tmp_path).parent  # in a folder of the data set's name
    data = datasets.load("cifar-10-jpeg", "train", root)
    assert isinstance(data, FileSplit)
    assert len(data) == 30 and data.ids[:11] == (*(f"{name}-0000" for name in drawn.NAMES), "airplane-0001")
    batch = data.batch(range(30))
    assert batch.labels.tolist() == list(range(10)) * 3  # so that the first samples are of every class
    file = root / "cifar-10-jpeg" / "train" / "cat" / "0002.jpg"
    assert np.array_equal(data.pixels(23)[0], np.asarray(Image.open(file)).transpose(2, 0, 1))
    assert len(datasets.load("cifar-10-jpeg", "test", root)) == 20


def test_a_class_without_a_file_is_missing(tmp_path: Path) -> None:
    folder = drawn.jpeg(tmp_path)
    for path in (folder / "test" / "ship").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"lacks 1 file: .*test/ship"):
        ClassFolders().samples(folder, "test")
