"""`bench data verify`: a damaged, a missing, an extra, a resized, a changed and a mislabelled file are named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import celebamask_hq as faces
from layouts import cifar10, pictures
from layouts import coco_stuff as coco
from PIL import Image

from symmbench import datasets
from symmbench.bench import api
from symmbench.datasets.verify import Verified

FACES, COCO, JPEG = "celebamask-hq", "coco-stuff", "cifar-10-jpeg"


def problems(found: Verified) -> list[tuple[str, str]]:
    """Kind and file of everything that is wrong, but for the number of samples: drawn ones are few."""
    every = [*(one for split in found.splits for one in split.problems), *found.problems]
    return sorted((one.kind, Path(file).name) for one in every if one.kind != "count" for file in one.files)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces as the zip unpacks."""
    return faces.official(tmp_path_factory.mktemp("faces"))


@pytest.fixture
def copied(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "CelebAMask-HQ"))


def test_what_is_whole_is_said_to_lack_samples_alone(drawn: Path) -> None:
    found = api.verify(FACES, data_root=drawn)
    assert not found.whole and not problems(found) and not found.notes
    said = [one.said for split in found.splits for one in split.problems]
    assert said[1] == "celebamask-hq validation has 3 samples, the official one 2,993"
    train = found.splits[0]
    assert train.content_sha256 == datasets.manifest(FACES, "train", drawn).content_sha256
    known = sum(np.bincount(faces.truth(n).ravel(), minlength=19) for n in faces.SPLITS["train"])
    assert train.counts == (*known.tolist(), 0) and train.n == 4


def test_every_bad_file_is_named(copied: Path) -> None:
    images, parts = copied / "CelebA-HQ-img", copied / "CelebAMask-HQ-mask-anno" / "0"
    (images / "1.jpg").write_bytes((images / "1.jpg").read_bytes()[:5_000])  # damaged
    (images / "4.jpg").unlink()  # missing
    (images / "30000.jpg").write_bytes((images / "0.jpg").read_bytes())  # extra
    (parts / "00003_beard.png").write_bytes((parts / "00003_skin.png").read_bytes())  # extra: no part is called so
    (parts / "00005_skin.png").write_bytes(b"")  # damaged
    pictures.save(pictures.image(1, 512, 512), images / "2.jpg")  # another size than the original
    found = api.verify(FACES, data_root=copied)
    assert problems(found) == [
        ("damaged", "00005_skin.png"),
        ("damaged", "1.jpg"),
        ("extra", "00003_beard.png"),
        ("extra", "30000.jpg"),
        ("missing", "4.jpg"),
        ("size", "2.jpg"),
    ]
    assert not any(one.content_sha256 for one in found.splits)
    assert [one.n for one in found.splits] == [3, 1, 3]


def test_masks_with_values_of_no_class_are_mislabelled(tmp_path: Path) -> None:
    root = coco.official(tmp_path)
    masks = root / "annotations" / "val2017"
    mask = coco.raw(139)
    mask[4, 4] = 11  # street sign: never annotated
    pictures.save(mask, masks / "000000000139.png")
    pictures.save(np.repeat(coco.raw(632)[:, :, None], 3, axis=2), masks / "000000000632.png")
    pictures.save(coco.raw(724)[:-1], masks / "000000000724.png")
    found = api.verify(COCO, data_root=root, splits="validation")
    assert problems(found) == [
        ("mislabelled", "000000000139.png"),
        ("mislabelled", "000000000632.png"),
        ("size", "000000000724.png"),
    ]
    (split,) = found.splits
    assert "holds 11, which the stuffthingmaps" in split.problems[0].said
    assert split.problems[2].said.endswith("000000000724.png is 639x427, its image 640x427")


def test_merged_masks_beyond_the_classes_are_mislabelled(tmp_path: Path) -> None:
    root = faces.merged(tmp_path)
    mask = faces.truth(10)
    mask[0, :2] = 19, 255
    pictures.save(mask, root / "CelebAMask-HQ-mask" / "10.png")
    found = api.verify(FACES, data_root=root)
    assert problems(found) == [("mislabelled", "10.png")]
    assert "holds class 19, but there are 19 (0-18)" in found.splits[1].problems[-1].said


def test_an_image_under_two_classes_is_mislabelled_and_one_in_two_splits_noted(tmp_path: Path) -> None:
    root = cifar10.jpeg(tmp_path)
    shutil.copy(root / "train" / "cat" / "0001.jpg", root / "train" / "dog" / "0003.jpg")
    shutil.copy(root / "train" / "frog" / "0000.jpg", root / "test" / "frog" / "0000.jpg")
    found = api.verify(JPEG, data_root=root)
    assert problems(found) == [("mislabelled", "0001.jpg"), ("mislabelled", "0003.jpg")]
    (said,) = found.problems
    assert "train/cat/0001.jpg and" in said.said and said.said.endswith("of class cat and of class dog")
    (note,) = found.notes
    assert "test/frog/0000.jpg (test) is the same image as" in note and note.endswith("train/frog/0000.jpg (train)")


def test_a_file_that_rotted_is_named(tmp_path: Path) -> None:
    """A byte of another value at the same size and time: only its checksum knows."""
    root = coco.official(tmp_path)
    before = datasets.manifest(COCO, "validation", root)
    path = root / "images" / "val2017" / "000000000724.jpg"
    state, data = path.stat(), bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert datasets.manifest(COCO, "validation", root) == before
    found = api.verify(COCO, data_root=root, splits=["validation"])
    assert problems(found) == [("changed", "000000000724.jpg")]


def test_a_damaged_member_of_the_zip_is_named(tmp_path: Path) -> None:
    root = faces.zipped(tmp_path, {5: 170_000, 6: 182_638})
    archive = root / "CelebAMask-HQ.zip"
    data = archive.read_bytes()
    place = data.index(b"CelebAMask-HQ/CelebA-HQ-img/5.jpg") + 2_000
    archive.write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
    (kind, file), *others = problems(api.verify(FACES, data_root=root))
    assert (kind, file, others) == ("damaged", "5.jpg", [])


SMALL = """
from dataclasses import replace
from symmbench.datasets import FileDataSet
from symmbench.datasets.cifar10 import CIFAR_10, Binary

COUNTS = {"train": (10,) * 10, "test": (2,) * 10}
card = replace(CIFAR_10.card, name="small", splits={"train": 100, "test": 20}, counts=COUNTS)
SMALL = FileDataSet(card, (Binary(20),), "small@1", ids_sha256={"test": "TEST"})
"""


def test_ids_and_the_histogram_of_classes_are_compared(
    third_party: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    third_party(SMALL.replace("TEST", "0" * 64), datasets={"small": "theirs:SMALL"})
    folder = cifar10.binary(tmp_path / "data", 20)
    found = api.verify("small", data_root=folder, splits="train")
    assert found.whole and found.splits[0].counts == (10,) * 10
    path = folder / "data_batch_3.bin"
    data = bytearray(path.read_bytes())
    was, data[0] = data[0], (data[0] + 1) % 10
    path.write_bytes(data)
    done = bench("data", "verify", "small", "--data-root", str(folder))
    names = cifar10.NAMES
    assert done.returncode == 1 and done.stderr == ""
    assert f"classes: small train has 9 images of class {names[was]}, the official 10" in done.stdout
    assert f"classes: small train has 11 images of class {names[data[0]]}, the official 10" in done.stdout
    assert "ids: small test holds other samples than the official 20" in done.stdout
    assert "NOT whole: small, the binary version, in " in done.stdout


def test_sets_in_memory_are_counted_too() -> None:
    found = api.verify("digits")
    assert found.whole and [one.n for one in found.splits] == [1_097, 300, 400]
    assert found.splits[2].counts == (40,) * 10 and not found.notes
    scenes = api.verify("digit-scenes", splits="test")
    labels = datasets.load("digit-scenes", "test").labels  # type: ignore[attr-defined]
    assert scenes.splits[0].counts == (*np.bincount(labels.ravel(), minlength=11).tolist(), 0)


def test_a_folder_without_the_data_set_is_refused(bench: Any, tmp_path: Path) -> None:
    done = bench("data", "verify", "cityscapes", "--data-root", str(tmp_path))
    assert done.returncode == 2 and "does not hold cityscapes; it needs leftImg8bit/ and gtFine/" in done.stderr
    done = bench("data", "verify", "cityscapes", "--split", "test")
    assert done.returncode == 2 and "cityscapes test has no labels to measure by" in done.stderr
    done = bench("data", "verify", "coco-stuff", "--split", "test")
    assert done.returncode == 2 and "unknown split of coco-stuff 'test'" in done.stderr


def test_every_bad_file_of_a_folder_that_does_not_open_is_named(bench: Any, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    for number in range(5):
        pictures.save(pictures.image(number, 20, 30), root / "images" / f"{number}.jpg")
        pictures.save(pictures.mask(number, 20, 30, [0, 1]), root / "masks" / f"{number}.png")
    assert api.verify(f"folder:{root}").whole
    (root / "masks" / "9.png").write_bytes((root / "masks" / "0.png").read_bytes())
    assert problems(api.verify(f"folder:{root}")) == [("extra", "9.png")]
    (root / "masks" / "1.png").unlink()
    (root / "images" / "2.jpg").write_bytes(b"")
    pictures.save(Image.fromarray(np.zeros((20, 30), dtype=np.uint16)), root / "masks" / "3.png")
    pictures.save(pictures.mask(4, 20, 29, [0, 1]), root / "masks" / "4.png")
    done = bench("data", "verify", f"folder:{root}")
    assert done.returncode == 1 and f"folder:mine test: 2 samples\n  missing: {root}/masks/1.png" in done.stdout
    found = problems(api.verify(f"folder:{root}"))
    assert found == [("damaged", "2.jpg"), ("mislabelled", "3.png"), ("missing", "1.png"), ("size", "4.png")]
    done = bench("data", "verify", f"folder:{root / 'images'}")
    assert done.returncode == 2 and "images holds no data set; it needs images/ and masks/" in done.stderr
