"""Data sets as they are on this machine: is everything there, what do they look like, how frequent is each class?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from ... import datasets
from ...datasets import Card
from ...datasets.frequencies import Frequency, frequencies, spread
from ...datasets.verify import Verified, verified
from ...reports import pictures, specimens
from ...symmflow.errors import InputError, unknown
from ...symmflow.pixels import to_uint8
from ..judges import weights
from .keywords import RequestFields, path_of, request_of, several, takes_fields
from .request import Request

if TYPE_CHECKING:
    from .needs import Need
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


def get(name: str, *, data_root: Path | str | None = None, progress: Report | None = None) -> Path | None:
    """Fetch a data set, or weights of a judge or an autoencoder, verified; where they lie, None where code makes it.

    A transfer that breaks off is taken up again by the next call. `data_root`: where to put the files of a data set,
    by default the cache. `progress` is told of a file, its bytes that are here and its bytes in all (0: unknown).
    """
    from .needs import get as fetched

    return fetched(name, path_of(data_root), progress)


@takes_fields(Request)
def get_for(
    request: Request | None = None, *, progress: Report | None = None, **keywords: Unpack[RequestFields]
) -> Iterator[Need]:
    """Fetch all that `run` needs for a request: data sets, judges' weights, checkpoints of a hub; see `get`."""
    from .needs import get_for as all_fetched

    return all_fetched(request_of(Request, request, keywords), progress)


def show(
    name: str,
    *,
    data_root: Path | str | None = None,
    size: str | int | None = None,
    crop: str = "whole",
    split: str | None = None,
    count: int = 8,
    progress: Report | None = None,
) -> Shown:
    """A picture of a data set: images, masks, a legend of the classes; and how frequent each class is.

    `split`: by default test, or the last one; `count`: samples in the picture, spread evenly over the split; `progress`
    is told of a split, its samples that are counted, and all.
    """
    from .sample import Picture

    if count < 1:
        raise InputError(f"--count must be at least 1, not {count}.")
    name, root = datasets.located(datasets.named(name, size, crop), path_of(data_root))
    card = datasets.card(name, root)
    if card.is_points:
        raise InputError(f"{name} has points, not pictures; choose a data set of images.")
    split = split or card.default_split
    data = datasets.load(name, split, root)
    classes, counted = frequencies(data, COUNTED, progress)
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


def verify(
    name: str,
    *,
    data_root: Path | str | None = None,
    splits: Sequence[str] | str = (),
    progress: Report | None = None,
) -> Verified:
    """Read every file of a data set, and name each that is missing, damaged, too many, of another size or class.

    `splits`: only these; `progress` is told of a split, its samples that are read, and all. Raises `InputError` where
    there is nothing to read.
    """
    if name in weights.KNOWN:
        raise InputError(f"{name} are weights, verified whenever they are read; `bench data get {name}` fetches them.")
    if ":" not in name and name.partition("@")[0] not in datasets.names():
        raise unknown("data set or weights", name, [*datasets.names(), *weights.KNOWN])
    return verified(name, path_of(data_root), several(splits), progress)
