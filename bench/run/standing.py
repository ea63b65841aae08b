"""How far a plan has come in its store: what an interrupt leaves, and which cells were begun and never finished."""

from __future__ import annotations

from pathlib import Path

from ...symmflow.errors import InputError
from ..records import SHARD, Cell, Store, has_shard
from .plan import Plan


def kept(plan: Plan, store: Store) -> str:
    """In words, what of a plan a store holds by now, and what the same command does with it."""
    cells = [(job, cell) for job in plan.jobs for cell in job.cells]
    open_cells = [(job, cell) for job, cell in cells if not _finished(store, cell)]
    done, rest = len(cells) - len(open_cells), 0
    for job, cell in open_cells:
        shards = [n for n in range(job.shards) if has_shard(store.path(cell), n)]
        rest += sum(min(SHARD, job.protocol.n - n * SHARD) for n in shards)
    begun = f", and {rest:,} samples of what is unfinished" if rest else ""
    return (
        f"{done} of {len(cells)} cells are finished and kept in {store.root}{begun}; "
        "the same command goes on from there"
    )


def _finished(store: Store, cell: Cell) -> bool:
    try:
        return store.get(cell) is not None
    except InputError:  # damaged
        return False


def unfinished(root: Path) -> list[tuple[str, str, str, str]]:
    """(data set, task, title, key) of the cells of a store that were begun and have no record: cut, or killed."""
    found = []
    for folder in sorted(root.glob("*/*/*")):
        dataset, task = folder.parts[-3], folder.parts[-2]
        hidden = dataset.startswith(".") or dataset == "protocols"
        if not hidden and folder.is_dir() and not (folder / "record.json").is_file():
            title, _, key = folder.name.rpartition("-")
            found.append((dataset, task, title, key))
    return found
