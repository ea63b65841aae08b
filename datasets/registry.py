"""The data sets by name, through the entry-point group `symmbench.datasets`."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ..symmflow.errors import InputError, unknown
from ..symmflow.guests import Guest
from ..symmflow.plugins import Plugins
from .card import Card
from .dataset import DataSet
from .split import Manifest, Split

GROUP = "symmbench.datasets"
_DATASETS: Plugins[DataSet] = Plugins("data set", GROUP, DataSet, parts={"card": Card})


def names() -> list[str]:
    """All that are registered, whether or not they can be imported here."""
    return _DATASETS.names()


def dataset(name: str) -> DataSet:
    """A registered data set. Raises `InputError` where it is none or cannot be imported."""
    return _DATASETS.get(name)


def card(name: str) -> Card:
    """The card of a data set."""
    return dataset(name).card


def cards() -> list[Card]:
    """Those of all data sets that can be imported here."""
    found = []
    for name in names():
        with suppress(InputError):  # `card` says why
            found.append(card(name))
    return found


def manifest(name: str, split: str, root: Path | None = None) -> Manifest:
    """Which samples a split holds, without decoding one; `root`: where files lie, for the data sets that have files."""
    with Guest():
        return _asked(name, split, root).manifest(split, root)


def load(name: str, split: str, root: Path | None = None) -> Split:
    """All samples of a split."""
    return _loaded(name, split, root, manifest(name, split, root).content_sha256)


def _asked(name: str, split: str, root: Path | None) -> DataSet:
    found = dataset(name)
    if split not in found.card.splits:
        raise unknown(f"split of {name}", split, found.card.splits)
    if root is not None and not root.is_dir():
        raise InputError(f"--data-root {root} is not a folder; give the one that holds the files of {name}.")
    return found


@lru_cache(maxsize=4)
def _loaded(name: str, split: str, root: Path | None, content: str) -> Split:
    """`content` keeps files that have changed apart from what was read of them before."""
    with Guest():
        return dataset(name).load(split, root)
