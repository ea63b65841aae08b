"""`bench data show`: the picture, the legend and the frequencies of the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import camvid, cifar10
from layouts import celebamask_hq as faces
from PIL import Image

from symmbench import datasets
from symmbench.bench import api
from symmbench.reports import specimens
from symmbench.symmflow.errors import InputError


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    return camvid.tutorial(tmp_path, 360, 480)


def test_a_picture_of_camvid(streets: Path, bench: Any, tmp_path: Path) -> None:
    done = bench("data", "show", "camvid", "--data-root", str(streets), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["dataset"], found["split"], found["n"], found["counted"]) == ("camvid", "test", 4, 4)
    counts = sum(np.bincount(camvid.truth(stem, 360, 480).ravel(), minlength=12) for stem in camvid.SPLITS["test"])
    assert [one["count"] for one in found["classes"]] == counts.tolist()  # void last, as in the files
    assert found["classes"][-1]["name"] == "void" and sum(one["share"] for one in found["classes"]) == pytest.approx(1)
    sheet = np.asarray(Image.open(tmp_path / found["picture"]))
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3).tolist()}
    palette = datasets.card("camvid").palette or ()
    assert {*palette, specimens.void_of(palette)} <= colours and specimens.void_of(palette) not in palette
    # the first sample: a mask at the right of its image, 192 high and 256 wide, under title and caption
    top = specimens.LINE * 2 + specimens.MARGIN * 2
    mask = sheet[top : top + 192, specimens.MARGIN + 256 :][:, :256]
    values = camvid.truth(camvid.SPLITS["test"][0], 360, 480)
    for y, x in ((30, 30), (90, 150), (330, 450)):  # in the middle of rectangles
        wanted = [*palette, specimens.void_of(palette)][values[y, x]]
        assert tuple(mask[y * 192 // 360, x * 256 // 480]) == wanted


def test_a_picture_of_faces(bench: Any, tmp_path: Path) -> None:
    root = faces.merged(tmp_path / "data")
    out = tmp_path / "faces.png"
    done = bench(
        "data", "show", "celebamask-hq", "--data-root", str(root), "--split", "train", "-o", str(out), "-n", "3"
    )
    assert done.returncode == 0 and str(out) in done.stdout, done.stderr
    assert "celebamask-hq train: 4 of 4 samples" in done.stdout
    (hat,) = [line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["hat"]]
    pixels = sum((faces.truth(number) == 14).sum() for number in faces.SPLITS["train"])
    assert hat == ["hat", f"{pixels:,}", f"{pixels / (4 * 512 * 512):.2%}", "3"]  # number 7 wears none
    assert "void" not in done.stdout
    assert Image.open(out).width == specimens.MARGIN + 3 * (2 * 192 + specimens.MARGIN)


def test_a_picture_of_classes_has_their_names(tmp_path: Path) -> None:
    root = cifar10.jpeg(tmp_path)
    found = api.show("cifar-10-jpeg", data_root=root, split="train", count=50)
    assert [one.count for one in found.classes] == [one.images for one in found.classes] == [3] * 10
    assert found.n == found.counted == 30 and found.picture[:4] == b"\x89PNG"


def test_samples_are_spread_and_seen_at_the_size_asked_for(streets: Path) -> None:
    whole = api.show("camvid", data_root=streets, split="train", count=2, size="36x48")
    assert whole.dataset == "camvid@36x48" and whole.split == "train"
    told: list[tuple[str, int, int]] = []
    api.show("camvid", data_root=streets, progress=lambda *said: told.append(said))
    assert told == [("test", 4, 4)]


def test_what_cannot_be_shown_says_so(streets: Path) -> None:
    with pytest.raises(InputError, match="two-spirals has points, not pictures"):
        api.show("two-spirals")
    with pytest.raises(InputError, match="--count must be at least 1, not 0"):
        api.show("camvid", data_root=streets, count=0)
