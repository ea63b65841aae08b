"""Anyone's folder: without a word about it, with a dataset.toml, and wrong in every way that a folder can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from layouts import pictures
from PIL import Image

from symmbench import datasets
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.pixels import IGNORE

H, W = 12, 16
PALETTE = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], dtype=np.uint8)


def own(root: Path, images: str = "images", masks: str = "masks", count: int = 4) -> Path:
    """Images, and masks of the ids 0-2 with one void pixel."""
    for i in range(count):
        pictures.save(pictures.image(i, H, W), root / images / f"s{i}.{'png' if i % 2 else 'jpg'}")
        pictures.save(mask(i), root / masks / f"s{i}.png")
    return root


def mask(seed: int) -> np.ndarray:
    made = pictures.mask(seed, H, W, [0, 1, 2], cells=(3, 4))
    made[0, 0] = IGNORE
    return made


def test_a_folder_without_a_word_about_it(tmp_path: Path) -> None:
    root = own(tmp_path / "street")
    found = datasets.dataset(f"folder:{root}")
    card = found.card
    assert (card.name, card.classes, card.shape) == ("folder:street", ("0", "1", "2"), (3, H, W))
    assert card.splits == {"test": 4} and card.tasks == ("ss", "sis") and len(set(card.palette or ())) == 3
    assert found.said == (
        "folder:street: 4 images with masks, grey values are class ids (0-2), 255 is void, all are the split test; "
        f"`bench data init {root}` writes a dataset.toml to say otherwise."
    )
    batch = datasets.load(f"folder:{root}", "test").batch(range(4))
    assert batch.ids == ("s0", "s1", "s2", "s3")
    assert all(np.array_equal(label, mask(i)) for i, label in enumerate(batch.labels))


def test_the_name_does_not_hold_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = own(tmp_path / "street")
    monkeypatch.chdir(tmp_path)
    assert (
        datasets.located("folder:street@8x6") == datasets.located(f"folder:{root}@8x6") == ("folder:street@8x6", root)
    )
    assert datasets.located("folder:street", root) == ("folder:street", root)
    here = datasets.manifest("folder:./street", "test")
    monkeypatch.chdir("/")
    moved = root.rename(tmp_path / "moved" if (tmp_path / "moved").mkdir() else tmp_path / "moved" / "street")
    assert datasets.manifest("folder:street", "test", moved) == here


def test_mmsegmentation_s_folders_are_splits(tmp_path: Path) -> None:
    root = tmp_path
    for split in ("training", "val"):
        own(root, f"images/{split}", f"annotations/{split}", 3 if split == "val" else 2)
    assert datasets.card(f"folder:{root}").splits == {"train": 2, "validation": 3}
    assert len(datasets.load(f"folder:{root}", "validation")) == 3


def test_class_folders(tmp_path: Path) -> None:
    for name, count in (("dog", 3), ("ant", 2)):
        for i in range(count):
            pictures.save(pictures.image(i, H, W), tmp_path / name / f"{i}.png")
    found = datasets.dataset(f"folder:{tmp_path}")
    assert found.card.classes == ("ant", "dog") and found.card.tasks == ("cls", "sis") and not found.card.has_masks
    assert "5 images in 2 class folders" in found.said
    batch = datasets.load(f"folder:{tmp_path}", "test").batch(range(5))
    assert batch.ids == ("ant/0", "dog/0", "ant/1", "dog/1", "dog/2")  # in turn: a limit leaves no class out
    assert batch.labels.tolist() == [0, 1, 0, 1, 1]
    split = tmp_path.parent / "split"
    for name in ("train", "test"):
        (split / name).mkdir(parents=True)
        (split / name / "ant").symlink_to(tmp_path / "ant")
    assert datasets.card(f"folder:{split}").splits == {"test": 2, "train": 2}


def test_a_toml_names_classes_colours_void_and_splits(tmp_path: Path) -> None:
    root = own(tmp_path)
    for i in range(4):
        colours = np.vstack([PALETTE, [[9, 9, 9]]])[np.where(mask(i) == IGNORE, 3, mask(i))]
        pictures.save(colours.astype(np.uint8), root / "masks" / f"s{i}.png")
    (root / "mine.txt").write_text("s2\ns0\n")
    (root / "dataset.toml").write_text(
        'classes = ["road", "left", "right"]\nmasks = "colours"\nvoid = [[9, 9, 9]]\nlicence = "mine"\n'
        'palette = [[0, 0, 0], [255, 0, 0], [0, 0, 255]]\nmirrored = [["left", "right"]]\n'
        '[splits]\ntest = "mine.txt"\ntrain = ["s1", "s3"]\n'
    )
    found = datasets.dataset(f"folder:{root}")
    assert found.card.classes == ("road", "left", "right") and found.card.licence == "mine" and not found.said
    assert found.card.flipped == (0, 2, 1) and found.card.splits == {"test": 2, "train": 2}
    batch = datasets.load(f"folder:{root}", "test").batch([0, 1])
    assert batch.ids == ("s2", "s0") and np.array_equal(batch.labels, [mask(2), mask(0)])


def test_another_void_makes_another_content(tmp_path: Path) -> None:
    root = own(tmp_path)
    toml = root / "dataset.toml"
    toml.write_text('classes = ["a", "b", "c"]\n')
    before = datasets.manifest(f"folder:{root}", "test").content_sha256
    toml.write_text('classes = ["x", "y", "z"]\ntitle = "else"\n')
    assert datasets.manifest(f"folder:{root}", "test").content_sha256 == before
    toml.write_text('classes = ["x", "y", "z"]\nvoid = [2]\n')
    assert datasets.manifest(f"folder:{root}", "test").content_sha256 != before
    assert set(np.unique(datasets.load(f"folder:{root}", "test").batch(range(4)).labels)) == {0, 1, IGNORE}


def test_a_new_image_is_noticed(tmp_path: Path) -> None:
    root = own(tmp_path)
    assert len(datasets.manifest(f"folder:{root}", "test")) == 4
    own(root, count=5)
    assert len(datasets.manifest(f"folder:{root}", "test")) == 5


def test_a_toml_is_begun_with_what_can_be_seen(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    root = own(tmp_path / "grey")
    assert bench("data", "init", str(root)).returncode == 0
    card = datasets.card(f"folder:{root}")
    assert card.classes == ("class 0", "class 1", "class 2") and card.title == "grey"
    again = bench("data", "init", str(root))
    assert again.returncode == 2 and "is there already; edit it" in again.stderr
    coloured = own(tmp_path / "coloured")
    for i in range(4):
        pictures.save(PALETTE[np.minimum(mask(i), 2)], coloured / "masks" / f"s{i}.png")
    datasets.describe(coloured)
    found = datasets.card(f"folder:{coloured}")
    assert sorted(found.palette or ()) == sorted(map(tuple, PALETTE.tolist()))
    batch = datasets.load(f"folder:{coloured}", "test").batch([1])
    assert np.array_equal(np.array(found.palette)[batch.labels[0]], PALETTE[np.minimum(mask(1), 2)])
    pets = tmp_path / "pets"
    pictures.save(pictures.image(0, H, W), pets / "cat" / "a.png")
    datasets.describe(pets)
    assert datasets.card(f"folder:{pets}").classes == ("cat",)


def _toml(text: str) -> Callable[[Path], object]:
    return lambda root: (root / "dataset.toml").write_text(text)


def _mask(values: np.ndarray | Image.Image) -> Callable[[Path], object]:
    return lambda root: pictures.save(values, root / "masks" / "s1.png")


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no mask": (lambda root: (root / "masks" / "s1.png").unlink(), r"images/s1.png has no mask in .*masks; add one"),
    "colours": (_mask(PALETTE[mask(1) % 3]), r"masks/s1.png is a mask in colour \(RGB\), and no palette says"),
    "16 bits": (_mask(mask(1).astype(np.uint16)), r"masks/s1.png is a mask of 16 bits; write class ids as 8-bit"),
    "empty": (lambda root: (root / "images" / "s1.png").write_bytes(b""), r"images/s1.png is empty \(0 bytes\)"),
    "no image": (lambda root: (root / "images" / "s1.png").write_text("hello"), r"images/s1.png is not an image"),
    "cut": (
        lambda root: (root / "masks" / "s1.png").write_bytes((root / "masks" / "s1.png").read_bytes()[:60]),
        r"masks/s1.png is no whole image",
    ),
    "two of a stem": (
        lambda root: pictures.save(pictures.image(1, H, W), root / "images" / "s1.jpg"),
        r"images/s1.jpg and s1.png have one stem, s1; rename or remove one",
    ),
    "size": (_mask(mask(1)[:6]), r"masks/s1.png is 6x16 and its image 12x16; make them equal"),
    "sizes": (
        lambda root: [
            pictures.save(x, root / d / "s1.png")
            for x, d in ((pictures.image(1, 8, 8), "images"), (mask(1)[:8, :8], "masks"))
        ],
        r"are 8x8, not 12x16; say with --size 8x8",
    ),
    "JPEG": (lambda root: (root / "masks" / "s1.png").rename(root / "masks" / "s1.jpg"), r"s1.jpg is a mask as JPEG"),
    "beyond": (_toml('classes = ["a", "b"]'), r"masks/s\d.png holds class id 2, but dataset.toml names 2 classes"),
    "unknown colour": (
        lambda root: (
            _mask(PALETTE[mask(1) % 3])(root),
            _toml('classes=["a"]\nmasks="colours"\npalette=[[0,0,0]]')(root),
        ),
        r"masks/s\d.png has a colour that no class has",
    ),
    "one colour": (
        _toml('classes = ["a", "b"]\nmasks = "colours"\npalette = [[1, 1, 1], [1, 1, 1]]'),
        r"dataset.toml: a and b have one colour, \(1, 1, 1\)",
    ),
    "field": (_toml('classes = ["a"]\nnames = 3'), r"dataset.toml: names: .*it takes classes, title"),
    "no toml": (_toml("classes = ["), r"dataset.toml is not a valid TOML file"),
    "list": (_toml('classes = ["a","b","c"]\nsplits = {test = ["s9"]}'), r"names the sample s9, which has no image"),
    "no list": (_toml('classes = ["a","b","c"]\nsplits = {test = "t.txt"}'), r"names the list t.txt, which cannot"),
    "mixed": (lambda root: (root / "images" / "more").mkdir(), r"images holds images and folders \(more\)"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_in_a_sentence_that_names_the_file(tmp_path: Path, wrong: str) -> None:
    root = own(tmp_path / "street")
    damage, said = WRONG[wrong]
    damage(root)
    with pytest.raises(InputError, match=said) as caught:
        datasets.manifest(f"folder:{root}", "test")
    assert "\n" not in str(caught.value)


def test_what_is_no_folder_of_images_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    pictures.save(mask(0), file)
    (tmp_path / "empty").mkdir()
    for path, said in (
        (file, "is a file; folder: takes the folder that holds images/ and masks/"),
        (tmp_path / "none", "there is no folder"),
        (tmp_path / "empty", "holds no data set; it needs images/ and masks/"),
    ):
        with pytest.raises(InputError, match=said):
            datasets.card(f"folder:{path}")
    with pytest.raises(InputError, match="unknown family of data sets 'folders'; did you mean 'folder'"):
        datasets.card(f"folders:{tmp_path}")
    with pytest.raises(InputError, match="unknown split of folder:street 'train'"):
        datasets.manifest(f"folder:{own(tmp_path / 'street')}", "train")


def test_splits_in_the_toml_name_no_two_files_of_one_stem(tmp_path: Path) -> None:
    root = tmp_path / "street"
    for part in ("train", "val"):
        own(root, f"images/{part}", f"annotations/{part}")
    assert datasets.card(f"folder:{root}").splits == {"train": 4, "validation": 4}  # the folders tell them apart
    toml = root / "dataset.toml"
    toml.write_text('classes = ["a", "b", "c"]\n[splits]\ntest = ["s1"]\n')
    with pytest.raises(InputError, match=r"images/train/s0\.jpg and .*images/val/s0\.jpg are both called s0"):
        datasets.card(f"folder:{root}")
    pets = tmp_path / "pets"
    for part in ("train", "test"):
        pictures.save(pictures.image(0, H, W), pets / part / "cat" / "0.png")
    (pets / "dataset.toml").write_text('classes = ["cat"]\n[splits]\ntest = ["cat/0"]\n')
    with pytest.raises(InputError, match=r"test/cat/0\.png and .*train/cat/0\.png are both called cat/0"):
        datasets.card(f"folder:{pets}")


def test_verify_of_a_file_says_that_it_is_no_folder(tmp_path: Path) -> None:
    from symmbench.datasets.verify import verified

    (path := tmp_path / "street").write_text("")
    with pytest.raises(InputError, match="street is a file; folder: takes the folder that holds images/"):
        verified(f"folder:{path}", None)


def test_images_of_several_sizes_are_seen_at_that_of_the_first_where_it_is_asked_for(tmp_path: Path) -> None:
    root = own(tmp_path / "street")
    pictures.save(pictures.image(9, 8, 8), root / "images" / "s3.png")
    pictures.save(np.zeros((8, 8), np.uint8), root / "masks" / "s3.png")
    with pytest.raises(InputError, match="8x8, not 12x16; say with --size"):
        datasets.manifest(f"folder:{root}", "test")
    found = datasets.load(f"folder:{root}@{H}x{W}", "test")
    assert found.card.name == f"folder:street@{H}x{W}" and found.batch([3]).labels.shape == (1, H, W)


def test_masks_of_black_and_white_are_no_surprise(tmp_path: Path) -> None:
    root = own(tmp_path / "cells")
    for i in range(4):
        pictures.save(np.where(mask(i) == 1, 255, 0).astype(np.uint8), root / "masks" / f"s{i}.png")
    said = datasets.dataset(f"folder:{root}").said
    assert said.endswith(
        'No mask holds another class than 0: where 255 is one, masks = "colours" and a palette say so.'
    )
    (root / "dataset.toml").write_text(
        'classes = ["out", "in"]\nmasks = "colours"\npalette = [[0, 0, 0], [255, 255, 255]]\n'
    )
    assert set(np.unique(datasets.load(f"folder:{root}", "test").batch(range(4)).labels)) == {0, 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('klasses = ["a"]', r"dataset\.toml: .*field required.*; correct it there\.$"),
        ('classes = ["a", "b", "c"]\n[splits]\ntest = ["s0", "s1", "s0"]', "names the sample s0 twice in one split"),
    ],
)
def test_a_toml_that_is_wrong_is_what_is_to_be_corrected(tmp_path: Path, text: str, said: str) -> None:
    root = own(tmp_path / "street")
    (root / "dataset.toml").write_text(text)
    with pytest.raises(InputError, match=said) as found:
        datasets.card(f"folder:{root}")
    assert type(found.value) is InputError  # which nobody follows up with advice on recipes
