"""scikit-learn's 1,797 real handwritten digits (8x8), the embedded default: nothing to download."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..symmflow.noise import generator
from .card import Card
from .dataset import Embedded
from .split import Array

VERSION = "digits-split@1"
SIZES = {"train": 1_097, "validation": 300, "test": 400}
JUDGES = ("digits-cnn", "lpips-alex", "unet", "cnn")
"""For images of digits alone: the bundled extractor knows them best."""


class Digits(Embedded):
    """The digits under one of the two ways to split them. `content`: hash of each split, as made by this version."""

    def __init__(self, name: str, title: str, notes: str, *, by_writer: bool, content: dict[str, str]) -> None:
        self.by_writer, self.content = by_writer, content
        self.card = Card(
            name=name,
            title=title,
            tasks=("cls", "sis"),
            classes=tuple("0123456789"),
            shape=(1, 8, 8),
            splits=SIZES,
            licence="CC BY 4.0 (UCI Machine Learning Repository)",
            redistributable=True,
            source="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, 1998; the copy in scikit-learn",
            obtain="Nothing to get: scikit-learn ships it.",
            judges=JUDGES,
            notes=notes,
        )

    def ids(self, split: str) -> tuple[str, ...]:
        return tuple(f"digit-{i:04d}" for i in positions(split, by_writer=self.by_writer))

    def arrays(self, split: str) -> tuple[Array, Array]:
        images, labels = digit_images()
        chosen = positions(split, by_writer=self.by_writer)
        return np.round(images[chosen] * (255 / 16)).astype(np.uint8)[:, None], labels[chosen]  # [N, 1, 8, 8], [N]


DIGITS = Digits(
    "digits",
    "1,797 handwritten digits, 8x8",
    "Split stratified by class (30 validation, 40 test a class): writers are shared between splits.",
    by_writer=False,
    content={
        "train": "2e7d935e14742f9391edf7fbb52a3783b974c1eea574b8b949076bbe3a70e6db",
        "validation": "f85bc815a13d5b771a4d210ecfae09c6d2b5dc53f9e13137f6afd8a31b15717c",
        "test": "59f17c0a10b69df9e73a216d269588b56bbc304a6d483f979281f55591d81c52",
    },
)
DIGITS_BY_WRITER = Digits(
    "digits-by-writer",
    "1,797 handwritten digits, 8x8, split in the file's order",
    "The file is in the order of writers, so test writers are (but for the blocks' edges) unseen: harder.",
    by_writer=True,
    content={
        "train": "bcfd09996f705b07d034eada4d18d4b3d52ac8d36b3ef57ce3da10436e1a181b",
        "validation": "0b40ec05bf0058b4aa043a28f66a5674ec3ce5f9efa679a7fbf42c24e5882690",
        "test": "d3a116705a9c7538fd6837a0d2545456ce53a4289d66b0c7225e201e575ac957",
    },
)


@lru_cache(maxsize=1)
def digit_images() -> tuple[Array, Array]:
    """Images float64 [1797, 8, 8] in 0-16 and class ids [1797], in the file's order."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images, bunch.target.astype(np.int64)


def positions(split: str, *, by_writer: bool = False) -> Array:
    """Positions in the file that make up a split, ascending."""
    _, labels = digit_images()
    order = np.arange(len(labels))
    if by_writer:
        edges = np.cumsum([0, *SIZES.values()])
        start = list(SIZES).index(split)
        return order[edges[start] : edges[start + 1]]
    chosen = []
    for digit in range(10):
        mine = generator(VERSION, digit).permutation(order[labels == digit])
        parts = {"test": mine[:40], "validation": mine[40:70], "train": mine[70:]}
        chosen.append(parts[split])
    return np.sort(np.concatenate(chosen))
