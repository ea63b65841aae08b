"""Two interleaved spirals: the toy of the SymmFlow paper (its Figure 3), drawn from a formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..symmflow.noise import generator
from .card import Card, Split

TURNS, SCALE, JITTER = 1.5, 2.0, 0.04

CARDS = {
    "two-spirals": Card(
        name="two-spirals",
        title="Two interleaved spirals (SymmFlow's toy)",
        tasks=("cls",),
        classes=("A", "B"),
        shape=(2,),
        splits={"train": 20_000, "validation": 2_000, "test": 2_000},
        licence="generated",
        source="SymmFlow paper, Figure 3; it gives no formula, ours: 1.5 turns, outer radius 2, jitter 0.04",
        obtain="Nothing to get: it is drawn from a formula.",
        embedded=True,
    )
}


def read(card: Card, split: str, root: Path | None) -> Split:
    """Class A: radius grows with the angle from 0.4 to 2 over 1.5 turns; class B: the same, turned by half."""
    count = card.splits[split]
    ids = tuple(f"{split}-{i:05d}" for i in range(count))
    random = generator("two-spirals@1", split)
    labels = np.arange(count, dtype=np.int64) % 2
    along = np.sqrt(random.random(count))
    angle = 2 * np.pi * TURNS * along + np.pi * labels
    radius = SCALE * (0.2 + 0.8 * along)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    points += JITTER * random.standard_normal((count, 2))
    return Split(card, split, ids, points.astype(np.float32), labels)
