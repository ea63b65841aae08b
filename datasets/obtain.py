"""The files of a data set: fetched where its makers serve them and its licence lets us, else a screen that says how."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from ..symmflow.errors import Screen
from .cache import cache_folder
from .card import Card
from .download import Download, Report, fetch


class ByHand(Screen):
    """A data set that its user has to fetch himself: a screen of what, from whom, and where to put it."""


def obtain(
    card: Card, name: str, downloads: Sequence[Download], needs: Sequence[str], root: Path | None, report: Report | None
) -> Path:
    """The folder `name` in `root` (by default in the cache, where it is found) with all `downloads` in it.

    `needs`: what a folder must hold, a line a layout. Raises `ByHand` where there are no downloads, `Unreachable` where
    nobody gives one.
    """
    folder = (root or cache_folder("data")) / name
    if not downloads:
        raise ByHand(screen(card, name, needs, folder))
    for one in downloads:
        fetch(one, folder, report)
    return folder


def screen(card: Card, name: str, needs: Sequence[str], folder: Path) -> str:
    """What to fetch, from whom, and where to put it."""
    rows = {
        "what": card.title,
        "samples": ", ".join(f"{split} {count:,}" for split, count in card.splits.items()),
        "from": card.source,
        "licence": card.licence,
        "how": card.obtain,
        "put it": f"in {folder}, or in a folder {name} of $SYMMBENCH_DATA; or anywhere, and give --data-root FOLDER",
        "it needs": " - or - ".join(needs),
        "then": f"bench data verify {name}",
    }
    wide = max(map(len, rows)) + 2
    lines = [
        textwrap.fill(
            value, 100, initial_indent=f"  {key:<{wide}}", subsequent_indent=" " * (wide + 2), break_on_hyphens=False
        )
        for key, value in rows.items()
        if value
    ]
    return "\n".join([f"{name} is to be fetched by hand:", *lines])
