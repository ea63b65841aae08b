"""The data sets by name."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..symmflow.errors import InputError, unknown
from .card import Card, Split

# each module has CARDS: {name: Card} and read(card, split, root) -> Split
_HOMES = {
    "two-spirals": "two_spirals",
    "digits": "digits",
    "digits-by-writer": "digits",
    "digit-scenes": "digit_scenes",
    "digit-presence": "digit_presence",
    "mnist": "idx",
    "fashion-mnist": "idx",
}


def names() -> list[str]:
    return list(_HOMES)


def card(name: str) -> Card:
    """The card of a data set."""
    return _home(name).CARDS[name]


def load(name: str, split: str, root: Path | None = None) -> Split:
    """All samples of a split; `root`: where files lie, for the data sets that have files."""
    facts = card(name)
    if split not in facts.splits:
        raise unknown(f"split of {name}", split, facts.splits)
    if root is not None and not root.is_dir():
        raise InputError(f"--data-root {root} is not a folder; give the one that holds the files of {name}.")
    return _cached(name, split, root)


@lru_cache(maxsize=4)
def _cached(name: str, split: str, root: Path | None) -> Split:
    return _home(name).read(card(name), split, root)


def _home(name: str) -> ModuleType:
    if name not in _HOMES:
        raise unknown("data set", name, _HOMES)
    return import_module(f".{_HOMES[name]}", __package__)
