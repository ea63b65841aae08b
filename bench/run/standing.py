"""How far a plan has come in its store: what an interrupt leaves."""

from __future__ import annotations

from ..records import SHARD, Store
from ..records.shards import kept as batches_kept
from ..records.shards import unmade
from .plan import Plan


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
