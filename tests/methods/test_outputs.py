"""Outputs in files: which file is of which sample, what is read of it, and what is refused with its name."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from symmbench import datasets
from symmbench.datasets import Card
from symmbench.methods import Method, Sampling, checkpoint, method
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.pixels import to_uint8

IDS = ("a", "b", "c")
CARD = Card(
    name="drawn",
    title="",
    tasks=("ss", "sis"),
    classes=("background", "red", "blue"),
    shape=(3, 4, 5),
    splits={"test": 3},
    licence="",
    palette=((0, 0, 0), (255, 0, 0), (0, 0, 255)),
)
GREY = Card(name="grey", title="", tasks=("cls", "sis"), classes=("x", "y"), shape=(1, 4, 5), splits={}, licence="")
Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an array as a picture or as what its name says."""

    def put(name: str, content: Any) -> Path:
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif path.suffix == ".npy":
            np.save(path, content)
        else:
            (content if isinstance(content, Image.Image) else Image.fromarray(content)).save(path)
        return tmp_path / "made"

    return put


def opened(path: Path, card: Card = CARD, *, task: str = "ss", ids: Sequence[str] = IDS, **asked: Any) -> Method:
    """The outputs at a path, told that they are of `ids`."""
    kind, options = method("outputs"), {"unpaired": True} if asked.pop("unpaired", False) else {}
    made = kind.load(checkpoint(f"outputs:{path}", card.name), card, "cpu", options)
    made.prepare(task, ids, asked.pop("split", ids), asked.pop("several", 1))
    return made


def masks(path: Path, card: Card = CARD, ids: Sequence[str] = IDS, **asked: Any) -> np.ndarray:
    import torch

    (found,) = opened(path, card, ids=ids, **asked).segment(torch.zeros(1), Sampling(Draws(0, ids)))
    return found.classes.numpy()


def images(path: Path, card: Card = CARD, ids: Sequence[str] = IDS, draw: int = 0, **asked: Any) -> np.ndarray:
    import torch

    labels = torch.zeros(len(ids)) if not card.has_masks else torch.zeros(len(ids), 4, 5)
    made = opened(path, card, task="sis", ids=ids, **asked)
    (found,) = made.synthesize(labels, Sampling(Draws(0, ids), draw=draw))
    return to_uint8(found.numpy())


def drawn(seed: int = 0) -> np.ndarray:
    """Class ids [3, 4, 5] with all classes."""
    return np.random.default_rng(seed).integers(0, 3, (3, 4, 5)).astype(np.uint8)


def pictures(seed: int = 0, n: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 5, 3)).astype(np.uint8)


def test_masks_of_every_kind_are_the_same_ids(write: Write, tmp_path: Path) -> None:
    truth, colours = drawn(), np.array(CARD.palette, dtype=np.uint8)
    indexed = Image.fromarray(truth[1])
    indexed.putpalette([70, 80, 90, *range(9)])  # colours of no class: the indices are the ids
    for kind, write_one in {
        "grey": lambda name, mask: write(f"{name}.png", mask),
        "deep": lambda name, mask: write(f"{name}.png", mask.astype(np.uint16)),
        "colour": lambda name, mask: write(f"{name}.png", colours[mask]),
        "array": lambda name, mask: write(f"{name}.npy", mask.astype(np.int32)),
    }.items():
        for own, mask in zip(IDS, truth, strict=True):
            folder = write_one(f"{kind}/{own}", mask)
        assert (masks(folder / kind) == truth).all(), kind
    write("indexed/b.png", indexed)
    assert (masks(tmp_path / "made" / "indexed", ids=("b",)) == truth[1:2]).all()


def test_samples_are_found_by_suffix_by_subfolder_and_by_folder(write: Write) -> None:
    made = {(own, draw): pictures(hash((own, draw)) % 97, 1)[0] for own in IDS for draw in range(11)}
    layouts = {"suffix": "{0}_{1}.png", "dash": "sub/{0}-{1}.webp", "draws": "draw{1}/{0}.png", "ids": "{0}/{1}.png"}
    for layout, name in layouts.items():
        for (own, draw), pixels in made.items():
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "WEBP" if "webp" in name else "PNG", lossless=True)
            folder = write(f"{layout}/{name.format(own, draw)}", buffer.getvalue())
        for draw in (0, 2, 10):  # in the order of numbers, not of text
            found = images(folder / layout, several=11, draw=draw)
            assert (found == np.stack([made[own, draw] for own in IDS]).transpose(0, 3, 1, 2)).all(), layout


def test_ids_with_folders_are_found_whole_and_by_their_last_part(write: Write) -> None:
    truth, ids = drawn(), ("town/one", "town/two", "village/three")
    for own, mask in zip(ids, truth, strict=True):
        write(f"whole/{own}.png", mask)
        folder = write(f"flat/{own.rpartition('/')[2]}.png", mask)
    assert (masks(folder / "whole", ids=ids) == truth).all() and (masks(folder / "flat", ids=ids) == truth).all()


def test_one_file_and_one_suffix_are_enough_for_ids_that_end_in_numbers(write: Write) -> None:
    truth, ids = drawn(), ("digit_1", "digit_2", "digit")
    for own, mask in zip(ids, truth, strict=True):
        folder = write(f"{own}.png", mask)
    assert (masks(folder, ids=ids) == truth).all()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_in_the_splits_order_is_read_by_rows(tmp_path: Path, save: Any) -> None:
    path, pixels = tmp_path / "samples.npz", pictures(n=6)
    save(path, pixels)
    assert (images(path, split=tuple("abcdef")) == pixels[:3].transpose(0, 3, 1, 2)).all()
    assert (images(path, ids=("e", "b", "b"), split=tuple("abcdef"))[1] == pixels[1].transpose(2, 0, 1)).all()
    for draw in (1, 0):
        found = images(path, several=2, draw=draw, unpaired=True)
        assert (found == pixels[draw::2].transpose(0, 3, 1, 2)).all()
    save(path, pixels.reshape(3, 2, 4, 5, 3))
    assert (images(path, several=2, draw=1) == pixels[1::2].transpose(0, 3, 1, 2)).all()
    save(path, drawn())
    assert (masks(path) == drawn()).all()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_of_an_array_an_id(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "masks.npz", **dict(zip(IDS, drawn(), strict=True)))
    assert (masks(tmp_path / "masks.npz") == drawn()).all()


def test_classes_in_adms_archive_must_be_those_of_the_split(tmp_path: Path) -> None:
    import torch

    path, pixels = tmp_path / "samples.npz", np.zeros((3, 4, 5, 1), np.uint8)
    np.savez(path, pixels, np.array([0, 1, 1]))
    made, asked = opened(path, GREY, task="sis"), Sampling(Draws(0, IDS))
    assert next(made.synthesize(torch.tensor([0, 1, 1]), asked)).shape == (3, 1, 4, 5)
    with pytest.raises(InputError, match=r"samples.npz is not in the split's order: b is of class 0, and .* says 1"):
        next(made.synthesize(torch.tensor([0, 0, 1]), asked))
    apart = opened(path, GREY, task="sis", unpaired=True)
    assert next(apart.synthesize(torch.tensor([0, 0, 1]), asked)).shape == (3, 1, 4, 5) and not apart.paired


def test_pixels_come_back_rounded_and_truncated(tmp_path: Path) -> None:
    import torch

    card = Card(name="ramp", title="", tasks=("sis",), classes=("x",), shape=(1, 16, 16), splits={}, licence="")
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.save(tmp_path / "ramp.npy", ramp)
    made = opened(tmp_path / "ramp.npy", card, task="sis", ids=("a",))
    (found,) = made.synthesize(torch.zeros(1), Sampling(Draws(0, ("a",))))
    assert found.dtype == torch.float32 and found.abs().max() <= 1
    for rounding in ("round", "truncate"):
        assert (to_uint8(found.numpy(), rounding)[0] == ramp).all()


def test_grey_files_are_taken_as_colour_and_colour_never_as_grey(write: Write) -> None:
    folder = write("a.png", drawn()[0])
    assert (images(folder, ids=("a",)) == drawn()[0]).all()
    folder = write("a.png", pictures()[0])
    with pytest.raises(InputError, match=r"a\.png is in colour, and grey is grey"):
        images(folder, GREY, ids=("a",))


WHOLE = io.BytesIO()
Image.fromarray(np.random.default_rng(0).integers(0, 3, (4, 5), dtype=np.uint8)).save(WHOLE, "PNG")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "b.png",
            pictures()[0],
            r"b\.png has the colour \(\d+, \d+, \d+\) at row 0, column 0, which no class of drawn",
        ),
        ("b.png", np.full((4, 5), 3, np.uint8), r"b\.png has class id 3; drawn has 3 classes"),
        ("b.png", np.full((4, 5), 300, np.uint16), r"b\.png has class id 300; drawn has 3 classes"),
        ("b.png", b"", r"b\.png cannot be read \(it has 0 bytes\)"),
        ("b.png", b"text", r"b\.png cannot be read \(it is no image\)"),
        ("b.png", WHOLE.getvalue()[:50], r"b\.png cannot be read \("),
        (
            "b.png",
            np.zeros((5, 4), np.uint8),
            r"b\.png is 5x4, not 4x5 .* resized, so write them at 4x5, also for --scored-at",
        ),
        ("b.png", np.zeros((4, 5, 4), np.uint8), r"b\.png is transparent in places"),
        ("b.npy", np.zeros((4, 5)), r"b\.npy holds float64 values; class ids are whole numbers"),
        ("b.npy", b"text", r"b\.npy is no array of NumPy"),
        ("b.npy", np.array([["x", {}]], dtype=object), r"b\.npy holds Python objects"),
        ("d.png", drawn()[0], r"no file of b; files of no sample: d\.png\."),
    ],
)
def test_what_is_wrong_is_named(write: Write, name: str, content: Any, said: str) -> None:
    write("a.png", drawn()[0])
    write("c.png", drawn()[0])
    folder = write(name, content)
    with pytest.raises(InputError, match=said) as error:
        masks(folder)
    assert str(folder) in str(error.value)


def test_two_files_of_one_stem_and_several_where_one_is_asked_for(write: Write) -> None:
    for own in IDS:
        folder = write(f"{own}.png", drawn()[0])
    write("b.npy", drawn()[0])
    with pytest.raises(InputError, match=r"two files of one stem, b\.npy and b\.png; keep one"):
        masks(folder)
    (folder / "b.npy").unlink()
    write("more/b.png", drawn()[0])
    with pytest.raises(InputError, match=r"several files of one stem \(b\.png, more/b\.png\)"):
        masks(folder)
    with pytest.raises(InputError, match=r"has 2 files of b \(b\.png, more/b\.png\), and 1 are asked for"):
        images(folder)


def test_the_right_number_of_samples_is_suggested(write: Write, tmp_path: Path) -> None:
    for own in IDS:
        for draw in range(4):
            folder = write(f"{own}_{draw}.png", pictures()[0])
    with pytest.raises(InputError, match=r"4 files a sample .* and 1 is asked for; give --samples-per-mask 4"):
        images(folder)
    with pytest.raises(InputError, match=r"12 syntheses, and 3 are asked for; add --samples-per-mask 4"):
        images(folder, unpaired=True)
    with pytest.raises(InputError, match=r"12 syntheses, and 15 are asked for; add --limit 12"):
        images(folder, ids=tuple("abcdefghijklmno"), unpaired=True)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 4, 4, 3), np.uint8), r"arr_0 is an array \[3, 4, 4, 3\] and not \[N, 4, 5, 3\]"),
        (np.zeros((2, 4, 5, 3), np.uint8), r"holds outputs of 2 samples and the split has 3"),
        (np.zeros((3, 4, 5, 3), np.float32), r"holds float32 values; pixels are uint8, 0-255"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, array: np.ndarray, said: str) -> None:
    np.savez(tmp_path / "samples.npz", array)
    with pytest.raises(InputError, match=said):
        images(tmp_path / "samples.npz")


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    np.savez_compressed(path, np.random.default_rng(0).integers(0, 255, (3, 4, 5, 3)).astype(np.uint8))
    content = bytearray(path.read_bytes())
    content[70:90] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"samples\.npz"):
        images(path)
    path.write_bytes(content[:50])
    with pytest.raises(InputError, match=r"samples\.npz cannot be read"):
        images(path)


def test_an_array_that_ends_early_is_named(tmp_path: Path) -> None:
    path = tmp_path / "samples.npy"
    np.save(path, pictures())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"samples\.npy ends before row 3 of 3"):
        images(path)


def scores(path: Path, card: Card = GREY, ids: Sequence[str] = IDS, **asked: Any) -> tuple[np.ndarray, str]:
    import torch

    made = opened(path, card, task="cls", ids=ids, **asked)
    (found,) = made.classify(torch.zeros(len(ids)), Sampling(Draws(0, ids)))
    assert (found.scores.argmax(dim=1) == found.classes).all()
    return found.scores.numpy(), found.scale


def test_scores_of_every_kind_are_the_same(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((3, 2)).astype(np.float32)
    values /= values.sum(axis=1, keepdims=True)
    order = [2, 0, 1]
    ids = [IDS[i] for i in order]
    kinds = {
        "named.csv": pd.DataFrame({"id": ids, "y": values[order, 1], "x": values[order, 0], "note": ""}),
        "numbered.csv": pd.DataFrame({"id": ids, "0": values[order, 0], "1": values[order, 1]}),
        "listed.parquet": pd.DataFrame({"id": ids, "scores": list(values[order])}),
    }
    for name, table in kinds.items():
        path = tmp_path / name
        table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
        found, scale = scores(path)
        assert (found == values).all() and scale == "probability", name
    pd.DataFrame({"id": ids, "x": 1.0, "y": [3.0, 2.0, 5.0]}).to_csv(tmp_path / "logits.csv", index=False)
    assert scores(tmp_path / "logits.csv")[1] == "score"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,x,y\na,1,2\n", r"no column id; it has name, x, y"),
        ("id,x\na,1\nb,1\nc,1\n", r"no scores of y"),
        ("id,x,y\na,1,2\na,1,2\nd,1,2\nc,1,2\n", r"more than one row of a; no row of b; rows of no sample: d"),
        ("id,x,y\na,1,2\nb,1,\nc,1,2\n", r"score of b that is no number"),
        ("id,x,y\na,1,2\nb,1,high\nc,1,2\n", r"scores that are no numbers"),
        ("id,x,y,scale\na,1,2,logit\nb,1,2,logit\nc,1,2,other\n", r"several scales of scores \(logit, other\)"),
        ("", r"no table that can be read"),
    ],
)
def test_tables_that_do_not_fit_are_named(tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "made.csv").write_text(table)
    with pytest.raises(InputError, match=rf"made\.csv.*{said}"):
        scores(tmp_path / "made.csv")


def test_the_fingerprint_is_of_names_and_content(write: Write) -> None:
    folder = write("a.png", drawn()[0])

    def made() -> str:
        return checkpoint(f"outputs:{folder}", "drawn").fingerprint

    first = made()
    write("about.json", b"{}")
    write(".hidden/b.png", drawn()[0])
    assert made() == first  # what cannot be an output is none
    write("a.png", drawn(1)[0])
    second = made()
    (folder / "a.png").rename(folder / "b.png")
    assert len({first, second, made()}) == 3


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("", "name the folder or file of the outputs"),
        ("nowhere", "there are no outputs at nowhere"),
        ("about.txt", r"about\.txt cannot be read as outputs"),
        ("empty", "empty holds no outputs"),
    ],
)
def test_paths_without_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "about.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=said):
        checkpoint(f"outputs:{argument}", "digits")


def test_what_outputs_cannot_be_of() -> None:
    kind, points = method("outputs"), datasets.card("two-spirals")
    assert not kind.supports("sis", None, points) and kind.supports("cls", None, points)
    assert kind.supports("sis", None, datasets.card("digits")) and not kind.supports("cls", None, CARD)


def test_arrays_and_pictures_that_are_no_mask_are_named_with_what_they_are(write: Write) -> None:
    path = write("a.png", np.zeros((4, 5), np.uint8))
    write("b.png", np.zeros((4, 5), np.uint8))
    write("c.npy", np.zeros((4, 5, 1), np.uint8))
    with pytest.raises(InputError, match=r"c\.npy is 4x5x1, not 4x5"):
        opened(path)
    (path / "c.npy").unlink()
    write("c.png", Image.new("LA", (5, 4)))
    with pytest.raises(InputError, match=r"c\.png is a mask of mode LA; write class ids as 8-bit grey values"):
        masks(path)


@pytest.mark.parametrize("shape", [(4, 5, 4), (4, 5, 2, 3)])
def test_syntheses_of_a_strange_shape_are_named(write: Write, shape: tuple[int, ...]) -> None:
    for name in IDS:
        path = write(f"{name}.npy", np.zeros(shape, np.uint8))
    with pytest.raises(InputError, match=rf"a\.npy is {'x'.join(map(str, shape))}, .*not 4x5"):
        opened(path, task="sis")
