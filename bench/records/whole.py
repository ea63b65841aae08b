"""Whether evidence holds every sample once: refused by the name of its folder, or of the shard that does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...symmflow.errors import InputError
from .evidence import Evidence
from .shards import MAIN, SHARD, shard_path


def check_samples(evidence: Evidence, samples: int, draws: int) -> None:
    """Raise `InputError` for evidence that does not hold as many samples, each with as many draws."""
    counts = Counter[str](evidence.table(MAIN)["id"] if evidence.shards else ())
    if not samples or len(counts) != samples or set(counts.values()) != {draws}:
        raise InputError(
            f"the evidence in {evidence.folder} does not hold every sample once ({len(counts):,} of {samples:,}, "
            f"{counts.total():,} rows); remove it and run the cell again."
        )


def check_ids(evidence: Evidence, ids: Sequence[str], draws: int) -> None:
    """Raise `InputError`, which names the shard, for evidence that does not hold each id once, where it belongs.

    `ids`: those of the split, in its order; `draws`: rows that an id has.
    """
    for number in range(evidence.shards):
        wanted = dict.fromkeys(ids[number * SHARD : (number + 1) * SHARD], draws)
        counts = Counter[str](evidence.shard_ids(number))
        if counts == wanted:
            continue
        faults = {
            "is missing": [i for i in wanted if not counts[i]],
            "belongs to another shard": [i for i in counts if i not in wanted],
            f"has not {draws} row{'s' if draws > 1 else ''}": [i for i in wanted if counts[i] not in (0, draws)],
        }
        said = [f"{found[0]} {what}{_others(found)}" for what, found in faults.items() if found]
        raise InputError(
            f"{shard_path(evidence.folder, number, MAIN)} does not hold its samples once ({'; '.join(said)}); "
            "remove it and run the cell again."
        )


def _others(found: Sequence[str]) -> str:
    return f", like {len(found) - 1:,} more" if found[1:] else ""
