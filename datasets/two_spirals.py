"""Two interleaved spirals: the toy of the SymmFlow paper (its Figure 3), drawn from a formula."""

from __future__ import annotations

import numpy as np

from ..symmflow.noise import generator
from .card import Card
from .dataset import Embedded
from .split import Array

VERSION = "two-spirals@1"
CONTENT = {
    "train": "2d2617533a17bbbd00c363232d9674d2143e94b40899cf72258ffed8aef3e132",
    "validation": "f2c76ee1e43c590aa828fec26b3287393e6107cf7e54232980d8837b59070b54",
    "test": "5ea48667c9453747d2eecc8774353da1ceff14297a69b1643d9f30b5a6e011c7",
}
"""Content hashes of the splits as this version makes them."""
TURNS, SCALE, JITTER = 1.5, 2.0, 0.04


class TwoSpirals(Embedded):
    card = Card(
        name="two-spirals",
        title="Two interleaved spirals (SymmFlow's toy)",
        tasks=("cls",),
        classes=("A", "B"),
        shape=(2,),
        splits={"train": 20_000, "validation": 2_000, "test": 2_000},
        licence="generated",
        source="SymmFlow paper, Figure 3; it gives no formula, ours: 1.5 turns, outer radius 2, jitter 0.04",
        obtain="Nothing to get: it is drawn from a formula.",
        judges=(),
    )
    content = CONTENT

    def arrays(self, split: str) -> tuple[Array, Array]:
        """Class A: radius grows with the angle from 0.4 to 2 over 1.5 turns; class B: the same, turned by half."""
        count = self.card.splits[split]
        random = generator(VERSION, split)
        labels = np.arange(count, dtype=np.int64) % 2
        along = np.sqrt(random.random(count))
        angle = 2 * np.pi * TURNS * along + np.pi * labels
        radius = SCALE * (0.2 + 0.8 * along)
        points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        points += JITTER * random.standard_normal((count, 2))
        return points.astype(np.float32), labels


TWO_SPIRALS = TwoSpirals()
