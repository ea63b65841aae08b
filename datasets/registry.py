"""The data sets by name, through the entry-point group `symmbench.datasets`."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ..symmflow.errors import InputError, unknown
from ..symmflow.guests import Guest
from ..symmflow.plugins import Plugins
from ..symmflow.recipe import Recipe
from .card import Card
from .dataset import DataSet, Embedded, Family
from .download import Report
from .layout import Layout
from .split import Manifest, Split
from .view import split_name, view

GROUP = "symmbench.datasets"
_DATASETS: Plugins[DataSet] = Plugins("data set", GROUP, DataSet, parts={"card": Card})
_FAMILIES: Plugins[Family] = Plugins("family of data sets", "symmbench.families", Family)


def names() -> list[str]:
    """All that are registered, whether or not they can be imported here."""
    return _DATASETS.names()


def located(name: str, root: Path | None = None) -> tuple[str, Path | None]:
    """The name by which figures of a data set are kept, and where its files lie: `folder:PATH` holds both."""
    base, seen_through = split_name(name)
    family, colon, argument = base.partition(":")
    if not colon:
        return name, root
    argument, root = _FAMILIES.get(family).located(argument, root)
    return f"{family}:{argument}{'' if seen_through is None else f'@{seen_through}'}", root


def named(name: str, size: str | int | None, crop: str = "whole") -> str:
    """A name with a view in it: `camvid`, `96x128` -> `camvid@96x128`; no size: the name as it is."""
    base, own = split_name(name)
    if size is None:
        if crop != "whole":
            raise InputError(f"--crop {crop} needs --size, the size of what is cut out.")
        return name
    wanted = view(str(size), crop)
    if own not in (None, wanted):
        raise InputError(f"{name} names another view than --size {size}; drop the one or the other.")
    return f"{base}@{wanted}"


def seen_by(recipe: Recipe, here: Card, root: Path | None) -> str:
    """The data set of a recipe at the size at which it was seen, by the name `here` has where that is the same."""
    name, _ = located(named(recipe.dataset, recipe.data.size, recipe.data.crop))
    same = name != here.name and split_name(name)[0] == split_name(here.name)[0]
    return card(name, root).name if same else name


def dataset(name: str, root: Path | None = None) -> DataSet:
    """A registered data set, one of a family (`folder:PATH`), or a view of one (`camvid@96x128`).

    `root`: where its files lie; only families look there already. Raises `InputError` where there is none of the name,
    where it cannot be imported, or has no such view.
    """
    name, root = located(name, root)
    base, seen_through = split_name(name)
    family, colon, argument = base.partition(":")
    found = _FAMILIES.get(family).open(argument, root) if colon else _DATASETS.get(base)
    return found if seen_through is None else found.seen(seen_through)


def card(name: str, root: Path | None = None) -> Card:
    """The card of a data set."""
    return dataset(name, root).card


def families() -> dict[str, str]:
    """What data sets can be named by what follows a colon: `folder:` -> a few words on what that is."""
    found = {}
    for name in _FAMILIES.names():
        with suppress(InputError):  # of a package that cannot be imported
            found[name] = _FAMILIES.get(name).what
    return found


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
        found, root = asked(name, split, root)
        return found.manifest(split, root)


def load(name: str, split: str, root: Path | None = None) -> Split:
    """The samples of a split."""
    name, root = located(name, root)
    return _loaded(name, split, root, manifest(name, split, root).content_sha256)


def get(name: str, root: Path | None = None, report: Report | None = None) -> Path | None:
    """Fetch the files of a data set that are not here; the folder in which they lie, None where code makes it."""
    name, root = located(name, root)
    family, colon, argument = split_name(name)[0].partition(":")
    return _FAMILIES.get(family).get(argument, root, report) if colon else dataset(name).get(root, report)


def family_layout(name: str, root: Path | None) -> tuple[Layout, Path, list[str]] | None:
    """How the files of one of a family lie, where, and its splits, though it may not open; None for other data sets."""
    family, colon, argument = split_name(name)[0].partition(":")
    return _FAMILIES.get(family).layout(argument, root) if colon else None


def asked(name: str, split: str, root: Path | None) -> tuple[DataSet, Path | None]:
    """A data set that has this split, and where its files lie."""
    name, root = located(name, root)
    found = dataset(name, root)
    if root is not None and not root.is_dir():
        raise InputError(f"--data-root {root} is not a folder; give the one that holds the files of {name}.")
    if root is not None and isinstance(found, Embedded):
        raise InputError(f"{name} has no files: code makes it. Drop --data-root {root}.")
    if (reason := found.card.withheld.get(split)) is not None:
        others = " or ".join(found.card.splits)
        raise InputError(f"{name} {split} has no labels to measure by: {reason}. Choose --split {others}.")
    if split not in found.card.splits:
        raise unknown(f"split of {name}", split, found.card.splits)
    return found, root


@lru_cache(maxsize=4)
def _loaded(name: str, split: str, root: Path | None, content: str) -> Split:
    """`content` keeps files that have changed apart from what was read of them before."""
    with Guest():
        return dataset(name, root).load(split, root)
