"""The two ends of a gap, as a user names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....symmflow.errors import InputError
from ...records import DEFAULT_STORE, Stored, measured_at, read_stored
from .budget import Budget, budget
from .published import to_published

PUBLISHED = "published"
LACK = "there is no figure of it"


def gap(a: str, b: str, folders: Sequence[Path], metric: str | None = None) -> Budget:
    """The budget from `a` to `b`: each the folder of a cell, its record.json, or the beginning of its key in `folders`;
    one of them may be `published`, the paper's figure of the other's cell."""
    if PUBLISHED in (a, b):
        if a == b:
            raise InputError("published has no gap to itself; name a cell at one end.")
        cells = _cells(folders, [])
        return to_published(_end(b if a == PUBLISHED else a, cells, folders), cells, metric, backwards=a == PUBLISHED)
    given = [Path(end) for end in (a, b) if Path(end).exists()]
    cells = _cells(folders, given)
    return budget(_end(a, cells, folders), _end(b, cells, folders), cells, metric)


def _cells(folders: Sequence[Path], given: Sequence[Path]) -> list[Stored]:
    """All that lie in the folders, and in the stores of the given cells."""
    stores = [measured_at(path, LACK).store.root for path in given]
    there = [folder for folder in folders if folder.is_dir() or list(folders) != [DEFAULT_STORE]]
    roots = {root.resolve(): root for root in [*there, *stores]}
    return read_stored(list(roots.values())) if roots else []


def _end(named: str, cells: Sequence[Stored], folders: Sequence[Path]) -> Stored:
    if Path(named).exists():
        return measured_at(Path(named), LACK)
    found = [cell for cell in cells if cell.record.key.startswith(named) and named]
    if len(found) != 1:
        many = f"{len(found)} records" if found else "no record"
        where = f"{', '.join(map(str, folders))} {'have' if found else 'has'}"
        raise InputError(f"{many} in {where} a key that begins with {named!r}; `bench list runs` shows the keys.")
    if found[0].record.status != "ok":
        raise InputError(f"the cell {named} failed; {LACK}.")
    return found[0]
