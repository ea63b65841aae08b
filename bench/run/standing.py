"""How far a plan has come in its store, in words: what an interrupt leaves, what a share of it is, who made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..records import SHARD, Record, Store
from ..records.shards import kept as batches_kept
from ..records.shards import unmade
from .plan import Plan
from .share import Share

if TYPE_CHECKING:
    from .work import Work


def kept(plan: Plan, store: Store) -> str:
    """In words, what of a plan a store holds by now, and what the same command does with it."""
    cells = [(job, cell) for job in plan.jobs for cell in job.cells]
    open_cells = [(job, cell) for job, cell in cells if store.get(cell) is None]
    done, rest = len(cells) - len(open_cells), 0
    for job, cell in open_cells:
        for folder in store.path(cell).glob("evidence-*"):
            lacking = unmade(folder, job.shards)
            whole = set(range(job.shards)) - lacking
            rest += sum(min(SHARD, job.protocol.n - number * SHARD) for number in whole)
            rest += sum(max(batches_kept(folder, number)) for number in lacking)
    begun = f", and {rest:,} samples of what is unfinished" if rest else ""
    return (
        f"{done} of {len(cells)} cells are finished and kept in {store.root}{begun}; "
        "the same command goes on from there"
    )


def shared(share: Share, shards: int) -> list[str]:
    """How many processes or parts have how much to do."""
    count = share.parts * share.world
    idle = f"; {count - shards:,} of them have none" if count > shards else ""
    what = "processes" if share.world > 1 else "parts"
    return [f"{count:,} {what} share {shards:,} shard{'s' if shards > 1 else ''} of up to {SHARD} samples{idle}."]


def came_to(share: Share, works: Sequence[Work]) -> str:
    """What a part of a job array has done, and what is next; `works`: of the cells that had no record."""
    if not works:
        return f"{share.title}: nothing to make; every cell is in the store."
    own = sum(len(work.own) for work in works)
    lacking = sum(len(work.lacking(work.cells, work.own)) for work in works)
    return (
        f"{share.title}: shards made: {own - lacking:,} of {own:,}; when all parts have ended, the same command "
        "without --part makes what is missing, scores, and writes the records."
    )


def begun_by_others(cells: int) -> list[str]:
    """What cannot be used of cells that are evaluated; nothing of no cell."""
    what = f"{cells} cells have" if cells > 1 else "1 cell has"
    return [f"{what} unfinished evidence by other code or libraries than are here: evaluated anew."] if cells else []


def by_machine(records: Sequence[Record]) -> list[str]:
    """Whose speed is told where machines were unlike."""
    counts = Counter(" and ".join(machines) for r in records if (machines := r.provenance.get("machines")))
    return [
        f"{n} cell{'s were' if n > 1 else ' was'} evaluated on unlike machines ({machines}); speeds are of the first."
        for machines, n in counts.items()
    ]
