"""Data sets as they are on this machine: is everything there, what do they look like, how frequent is each class?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ... import datasets
from ...datasets import Card
from ...datasets.frequencies import Frequency, frequencies, spread
from ...datasets.verify import Verified, verify
from ...reports import pictures, specimens
from ...symmflow.errors import InputError, unknown
from ...symmflow.pixels import to_uint8
from ..judges import weights
from .sample import Picture

COUNTED = 2000
"""Masks that are counted for a picture, at most."""
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shown:
    """A picture of a split, and how frequent its classes are."""

    dataset: str
    split: str
    n: int
    counted: int
    """Samples that `classes` is of."""
    classes: list[Frequency]
    picture: Picture = field(repr=False)


def shown(name: str, split: str | None, count: int, root: Path | None, report: Report | None = None) -> Shown:
    """`count` samples, spread evenly over a split. Raises `InputError` for points, and what `datasets.load` does."""
    name, root = datasets.located(name, root)
    card = datasets.card(name, root)
    if card.is_points:
        raise InputError(f"{name} has points, not pictures; choose a data set of images.")
    split = split or card.default_split
    data = datasets.load(name, split, root)
    classes, counted = frequencies(data, COUNTED, report)
    batch = data.batch(spread(len(data), count))
    drawn = [
        specimens.Specimen(image, label if label.ndim else card.classes[int(label)], caption)
        for image, label, caption in zip(to_uint8(batch.images), batch.labels, batch.ids, strict=True)
    ]
    title = f"{card.name} {split}: {len(drawn)} of {len(data):,} samples, seen at {'x'.join(map(str, card.size))}"
    page = specimens.page(title, drawn, _legend(card, classes), card.palette or ())
    return Shown(name, split, len(data), counted, classes, Picture(pictures.png(page)))


def _legend(card: Card, classes: list[Frequency]) -> list[specimens.Entry]:
    """The classes, and void, with their colours and shares."""
    colours = [*card.palette, specimens.void_of(card.palette)] if card.palette else [None] * len(classes)
    named = zip(classes, colours, strict=False)  # there may be no void
    return [specimens.Entry(f"{one.name}  {one.share:.1%}", colour) for one, colour in named]


def verified(name: str, splits: Sequence[str], root: Path | None, report: Report | None = None) -> Verified:
    """See `datasets.verify`. Raises `InputError` for what is no data set."""
    if name in weights.KNOWN:
        raise InputError(f"{name} are weights, verified whenever they are read; `bench data get {name}` fetches them.")
    if ":" not in name and name.partition("@")[0] not in datasets.names():
        raise unknown("data set or weights", name, [*datasets.names(), *weights.KNOWN])
    return verify(name, root, splits, report)
