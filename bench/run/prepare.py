"""Data made ready: images decoded once, and a `dataset.toml` begun for a folder of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ... import datasets
from ...symmflow.device import decoders
from ...symmflow.errors import InputError


@dataclass(frozen=True)
class Prepared:
    """A split that is decoded and resized, and where it lies."""

    dataset: str
    split: str
    samples: int
    folder: Path
    size: int
    """Bytes."""


def prepare(
    name: str,
    *,
    data_root: Path | str | None = None,
    size: str | int | None = None,
    crop: str = "whole",
    split: str | None = None,
    workers: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[Prepared]:
    """Decode and resize the images of a data set once, for every later run at this size; goes on where it stopped.

    `split`: only this one; `progress` is told of a split, its samples that are ready and its samples in all.
    """
    given = None if data_root is None else Path(data_root)
    name, root = datasets.located(datasets.named(name, size, crop), given)
    card = datasets.card(name, root)
    for one in [split] if split else card.splits:
        found = datasets.load(name, one, root)
        if not isinstance(found, datasets.FileSplit):
            raise InputError(f"{name} is in memory whole, there is nothing to prepare.")

        def report(done: int, total: int, one: str = one) -> None:
            if progress:
                progress(f"{card.name} {one}", done, total)

        folder = datasets.prepare(found, decoders() if workers is None else workers, report)
        yield Prepared(card.name, one, len(found), folder, sum(path.stat().st_size for path in folder.glob("*.arrow")))


def init(path: Path | str) -> Path:
    """Begin a `dataset.toml` in a folder of images, filled in as far as can be seen; the file."""
    return datasets.describe(Path(path))
