"""Splits in files: manifests that notice changes, pieces in archives, batches decoded when they are asked for."""

from __future__ import annotations

import os
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import camvid, pictures
from PIL import Image

from symmbench import datasets
from symmbench.datasets.catalog import READING
from symmbench.datasets.piece import Piece, members, part, whole
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.pixels import IGNORE, from_uint8

NAME = "camvid@24x32"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return camvid.tutorial(tmp_path)


def split(root: Path, name: str = NAME) -> datasets.FileSplit:
    found = datasets.dataset(name).load("test", root)
    assert isinstance(found, datasets.FileSplit)
    return found


def expected(name: str, root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Image [3, 24, 32] in [-1, 1] and mask [24, 32] straight from the files."""
    image = Image.open(root / "test" / f"{name}.png").resize((32, 24), Image.Resampling.BICUBIC)
    mask = Image.open(root / "testannot" / f"{name}.png").resize((32, 24), Image.Resampling.NEAREST)
    ids = np.asarray(mask).astype(np.int64)
    ids[ids == 11] = IGNORE
    return from_uint8(np.asarray(image).transpose(2, 0, 1)), ids


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_what_the_files_hold(root: Path, workers: int) -> None:
    data = split(root)
    indices = [np.array([0, 3, 3]), np.array([2])]
    made = list(data.batches(indices, workers))
    assert [batch.ids for batch in made] == [tuple(data.ids[i] for i in index) for index in indices]
    for batch in made:
        for sample_id, image, mask in zip(batch.ids, batch.images, batch.labels, strict=True):
            wanted = expected(sample_id, root)
            assert np.array_equal(image, wanted[0]) and np.array_equal(mask, wanted[1]) and mask.dtype == np.int64
    alone = data.batch([3])
    assert np.array_equal(alone.images[0], made[0].images[1])


def test_camvid_s_lists_void_and_ids(root: Path) -> None:
    card = datasets.card("camvid")
    assert len(card.classes) == len(card.palette or ()) == 11
    for name, theirs in (("train", "train"), ("validation", "val"), ("test", "test")):
        assert list(datasets.manifest(NAME, name, root).ids) == camvid.SPLITS[theirs]
        assert list(datasets.manifest(NAME, name, root.parent).ids) == camvid.SPLITS[theirs]  # the folder above
    value = camvid.truth("0001TP_008550")
    label = split(root).label(0)
    assert isinstance(label, np.ndarray) and np.array_equal(label == IGNORE, value == 11)
    assert np.array_equal(label[value != 11], value[value != 11]) and (value == 11).any()


def test_the_real_camvid() -> None:
    folder = os.environ.get("SYMMBENCH_TEST_CAMVID")
    if not folder:
        pytest.skip("$SYMMBENCH_TEST_CAMVID does not name a folder with the real CamVid")
    data = datasets.dataset("camvid")
    assert isinstance(data, datasets.FileDataSet)
    for name, count in data.card.splits.items():
        found = data.seen(datasets.view("96x128")).manifest(name, Path(folder))
        assert len(found) == count and found.ids_sha256 == data.ids_sha256[name]


def test_originals_of_another_size_are_not_resized_in_silence(root: Path) -> None:
    with pytest.raises(InputError, match=r"are 36x48, not 360x480; say with --size 36x48"):
        datasets.manifest("camvid", "test", root)


def test_a_set_that_code_makes_takes_no_folder_and_no_size(root: Path) -> None:
    with pytest.raises(InputError, match=r"digits has no files: code makes it. Drop --data-root"):
        datasets.load("digits", "test", root)
    with pytest.raises(InputError, match="digits is seen at its own size only; drop the size 16"):
        datasets.card("digits@16")


def test_a_folder_without_the_files_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold camvid; it needs train.txt, val.txt, test.txt"):
        datasets.manifest(NAME, "test", tmp_path)
    with pytest.raises(InputError, match=r"camvid is not on this machine\. "):
        datasets.manifest(NAME, "test")


def test_a_manifest_is_kept_and_says_where_nothing_lies(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = datasets.manifest(NAME, "test", root)
    read = Piece.read
    seen: list[Piece] = []
    monkeypatch.setattr(Piece, "read", lambda piece: seen.append(piece) or read(piece))
    assert datasets.manifest(NAME, "test", root) == before and not seen
    moved = root.rename(root.with_name("elsewhere"))
    assert datasets.manifest(NAME, "test", moved) == before and seen


def test_reading_for_the_first_time_is_told(tmp_path: Path) -> None:
    for i in range(64):
        pictures.save(pictures.image(i, 4, 4), tmp_path / "own" / "a" / f"{i}.png")
    told: list[tuple[str, int, int]] = []
    token = READING.set(lambda *now: told.append(now))
    try:
        for _ in range(2):  # the second time nothing is read
            datasets.manifest(f"folder:{tmp_path / 'own'}", "test")
    finally:
        READING.reset(token)
    assert told == [("folder:own test", 64, 64)]


@pytest.mark.parametrize("change", ["bytes", "list", "mask"])
def test_a_changed_file_makes_another_content_hash(root: Path, change: str) -> None:
    before = datasets.manifest(NAME, "test", root)
    if change == "list":
        place = root / "test.txt"
        place.write_text("\n".join(place.read_text().splitlines()[:-1]))
    else:
        place = root / ("test" if change == "bytes" else "testannot") / "Seq05VD_f00000.png"
        pictures.save(np.zeros((36, 48, 3)[: 3 if change == "bytes" else 2], dtype=np.uint8), place)
    after = datasets.manifest(NAME, "test", root)
    assert after.content_sha256 != before.content_sha256 and (len(after) == 3) == (change == "list")


def test_the_content_hash_is_of_the_view_too(root: Path) -> None:
    names = (NAME, "camvid@24x32-center", "camvid@24x32-by-id", "camvid@32")
    assert len({datasets.manifest(name, "test", root).content_sha256 for name in names}) == 4


def test_a_damaged_manifest_is_made_again(root: Path) -> None:
    before = datasets.manifest(NAME, "test", root)
    for kept in (Path(os.environ["XDG_CACHE_HOME"]) / "symmbench" / "manifests").glob("*.arrow"):
        kept.write_bytes(kept.read_bytes()[:200])
    assert datasets.manifest(NAME, "test", root) == before


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_breaks_on_the_way_is_named_in_a_sentence(root: Path, workers: int) -> None:
    data = split(root)
    (root / "test" / "Seq05VD_f00000.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"test/Seq05VD_f00000.png is empty \(0 bytes\); get it again.") as caught:
        list(data.batches([np.array([0]), np.array([2])], workers))
    assert "\n" not in str(caught.value)


def test_another_process_may_have_a_split(root: Path) -> None:
    data = split(root)
    data.batch([0])
    again = pickle.loads(pickle.dumps(data))
    assert np.array_equal(again.batch([1]).images, data.batch([1]).images)


def test_originals_come_along_where_they_are_asked_for(root: Path) -> None:
    batch = next(split(root).first(3).with_originals().batches([np.array([2, 0, 0])]))
    masks = [np.where((t := camvid.truth(name)) == 11, IGNORE, t) for name in batch.ids]
    assert len(batch.originals) == 3 and all(map(np.array_equal, batch.originals, masks))
    assert split(root).batch([0]).originals == ()


def test_the_first_samples_are_no_more(root: Path) -> None:
    first = split(root).first(2)
    with pytest.raises(IndexError, match="of 2 samples"):
        next(first.batches([np.array([2])]))


def test_pieces_of_files_and_archives(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(100)))
    assert whole(file).read().data == bytes(range(100)) and part(file, 10, 5).read().data == bytes(range(10, 15))
    with pytest.raises(InputError, match="ends before byte 120"):
        part(file, 90, 30).read()
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("stored", b"one" * 50)
        out.writestr(zipfile.ZipInfo("in/folder"), b"two" * 50, zipfile.ZIP_DEFLATED)
    found = members(archive)
    assert {name: piece.read().data for name, piece in found.items()} == {
        "stored": b"one" * 50,
        "in/folder": b"two" * 50,
    }
    archive.write_bytes(archive.read_bytes().replace(b"oneone", b"onXone", 1))
    with pytest.raises(InputError, match=r"a.zip:stored is damaged: its checksum"):
        found["stored"].read()
    with pytest.raises(InputError, match="cannot be read: No such file"):
        replace(whole(file), path=tmp_path / "gone").read()
    (tmp_path / "b.zip").write_bytes(b"PK no")
    with pytest.raises(InputError, match=r"b.zip is not a whole zip archive"):
        members(tmp_path / "b.zip")


@pytest.mark.parametrize("originals", [False, True])
def test_a_mask_of_another_size_than_its_image_is_not_stretched(root: Path, originals: bool) -> None:
    path = root / "testannot" / f"{split(root).ids[1]}.png"
    with Image.open(path) as mask:
        mask.resize((mask.width // 2, mask.height // 2), Image.Resampling.NEAREST).save(path)
    data = split(root).with_originals() if originals else split(root)
    with pytest.raises(InputError, match=rf"{path.name} is \d+x\d+ and its image \d+x\d+; make them equal"):
        data.batch([1])
