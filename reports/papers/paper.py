"""A table of a paper: its layout is data here, its figures are those of `published.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...symmflow.bounded import read_toml
from ...symmflow.errors import InputError
from ..published import Published, published

FOLDER = Path(__file__).parent
LPIPS = "lpips"
"""What papers print above two metrics; see `reports.published`."""


@dataclass(frozen=True)
class Line:
    """A row or a column."""

    head: str
    where: Mapping[str, Any]
    """Of its figures: fields of `Published` with the value, or a list of values, that they have."""
    run: str = ""
    """What `bench run --method` takes to measure the row, where it is no method of ours."""


@dataclass(frozen=True)
class Paper:
    """One table of a paper."""

    name: str
    title: str
    source: str
    """As in `published.csv`."""
    table: str
    where: Mapping[str, Any]
    """What all of its figures have in common."""
    rows: tuple[Line, ...]
    columns: tuple[Line, ...]
    protocol: str = ""
    """The named protocol that measures as the paper does; empty where any does."""
    departs: tuple[str, ...] = ()
    """What of the paper nobody else can have."""

    def at(self, row: Line, column: Line) -> Published | None:
        """The figure that is printed there; None where the paper has none."""
        wanted = {**self.where, **row.where, **column.where}
        found = [p for p in self.figures if all(_is(p, field, value) for field, value in wanted.items())]
        if len(found) > 1:
            raise ValueError(f"{self.name}: {row.head} / {column.head} is said of {len(found)} figures")
        return found[0] if found else None

    @property
    def figures(self) -> list[Published]:
        """All that are printed in it."""
        return [p for p in published() if (p.source, p.table) == (self.source, self.table)]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@lru_cache
def paper(name: str) -> Paper:
    """A table by its name. Raises `InputError` for one that there is not."""
    if name not in names():
        raise InputError(f"there is no paper's table {name!r}; --paper takes {', '.join(names())}.")
    said = read_toml(FOLDER / f"{name}.toml")
    rows, columns = (tuple(_line(one) for one in said.pop(side)) for side in ("rows", "columns"))
    return Paper(name, rows=rows, columns=columns, **{"where": {}, **said, "departs": tuple(said.get("departs", ()))})


def _line(said: dict[str, Any]) -> Line:
    return Line(said.pop("head"), run=said.pop("run", ""), where=said)


def _is(p: Published, field: str, value: Any) -> bool:
    found = getattr(p, field)
    if field == "metric" and value == LPIPS:
        return str(found).startswith(LPIPS)
    return found in value if isinstance(value, list) else found == value
