"""scikit-learn's 1,797 real handwritten digits (8x8), the embedded default: nothing to download."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from ..symmflow.noise import generator
from .card import Array, Card, Split

SIZES = {"train": 1_097, "validation": 300, "test": 400}

_FACTS = {
    "tasks": ("cls", "sis"),
    "classes": tuple("0123456789"),
    "shape": (1, 8, 8),
    "splits": SIZES,
    "licence": "CC BY 4.0 (UCI Machine Learning Repository)",
    "source": "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, 1998; the copy in scikit-learn",
    "obtain": "Nothing to get: scikit-learn ships it.",
    "embedded": True,
    "digits": True,
}
CARDS = {
    "digits": Card(
        name="digits",
        title="1,797 handwritten digits, 8x8",
        notes="Split stratified by class (30 validation, 40 test a class): writers are shared between splits.",
        **_FACTS,  # type: ignore[arg-type]
    ),
    "digits-by-writer": Card(
        name="digits-by-writer",
        title="1,797 handwritten digits, 8x8, split in the file's order",
        notes="The file is in the order of writers, so test writers are (but for the blocks' edges) unseen: harder.",
        **_FACTS,  # type: ignore[arg-type]
    ),
}


def read(card: Card, split: str, root: Path | None) -> Split:
    images, labels = digit_images()
    chosen = positions(split, by_writer=card.name == "digits-by-writer")
    ids = tuple(f"digit-{i:04d}" for i in chosen)
    pixels = np.round(images[chosen] * (255 / 16)).astype(np.uint8)[:, None]  # [N, 1, 8, 8]
    return Split(card, split, ids, pixels, labels[chosen])


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
        mine = generator("digits-split@1", digit).permutation(order[labels == digit])
        parts = {"test": mine[:40], "validation": mine[40:70], "train": mine[70:]}
        chosen.append(parts[split])
    return np.sort(np.concatenate(chosen))
