"""What a data set looks like: a picture of some samples and the colours of its classes, and how frequent each is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ... import datasets
from ...datasets import Card, FileSplit, Split
from ...reports import pictures, specimens
from ...symmflow.errors import InputError
from ...symmflow.pixels import IGNORE, to_uint8
from .sample import Picture

COUNTED = 2000
"""Masks that are counted, at most, spread evenly over the split; classes of images are all counted."""
TOGETHER = 64
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shown:
    """`rows`: a class each, void last: its name, its share of pixels or images, and in how many images it is."""

    dataset: str
    split: str
    n: int
    counted: int
    """Samples whose labels `rows` are of."""
    rows: list[dict[str, Any]]
    picture: Picture = field(repr=False)


def show(name: str, split: str | None, count: int, root: Path | None, report: Report | None = None) -> Shown:
    """`count` samples, spread evenly over a split. Raises `InputError` for points, and what `datasets.load` does."""
    name, root = datasets.located(name, root)
    card = datasets.card(name, root)
    if card.is_points:
        raise InputError(f"{name} has points, not pictures; choose a data set of images.")
    split = split or card.default_split
    data = datasets.load(name, split, root)
    rows, counted = _frequencies(data, split, report)
    chosen = _spread(len(data), count)
    batch = data.batch(chosen)
    shown = [
        specimens.Specimen(image, label if label.ndim else card.classes[int(label)], caption)
        for image, label, caption in zip(to_uint8(batch.images), batch.labels, batch.ids, strict=True)
    ]
    title = f"{card.name} {split}: {len(shown)} of {len(data):,} samples, seen at {'x'.join(map(str, card.size))}"
    page = specimens.page(title, shown, _legend(card, rows), card.palette or ())
    return Shown(name, split, len(data), counted, rows, Picture(pictures.png(page)))


def _spread(n: int, count: int) -> np.ndarray:
    """At most `count` positions of 0 to n - 1, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, count)).round().astype(np.int64))


def _frequencies(data: Split, split: str, report: Report | None) -> tuple[list[dict[str, Any]], int]:
    card = data.card
    positions = _spread(len(data), COUNTED if card.has_masks else len(data))
    totals, present = np.zeros(IGNORE + 1, dtype=np.int64), np.zeros(IGNORE + 1, dtype=np.int64)
    for start in range(0, len(positions), TOGETHER):
        block = positions[start : start + TOGETHER]
        labels = [data.label(int(i)) for i in block] if isinstance(data, FileSplit) else data.batch(block).labels
        for label in labels:
            counts = np.bincount(np.asarray(label).ravel(), minlength=IGNORE + 1)
            totals += counts
            present += counts > 0
        if report:
            report(split, start + len(block), len(positions))
    of = "pixels" if card.has_masks else "images"
    known = [*enumerate(card.classes), *([(IGNORE, "void")] if totals[IGNORE] else [])]
    return [
        {"class": name, of: int(totals[k]), "share": float(totals[k] / totals.sum())}
        | ({"in images": int(present[k])} if card.has_masks else {})
        for k, name in known
    ], len(positions)


def _legend(card: Card, rows: list[dict[str, Any]]) -> list[specimens.Entry]:
    """The classes, and void, with their colours and shares."""
    colours = [*card.palette, specimens.void_of(card.palette)] if card.palette else [None] * len(rows)
    named = zip(rows, colours, strict=False)  # there may be no void
    return [specimens.Entry(f"{row['class']}  {row['share']:.1%}", colour) for row, colour in named]
