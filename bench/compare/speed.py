"""Which speeds may stand side by side; and time over that of the bare network calls in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import statistics
from ..metrics import Floor
from ..records import Missing, Record, provenance
from ..statistics import Difference

TIME = "relative_time"
"""What it is called among metrics."""
FLOOR = Floor(relative=0.10, tier="advisory")
"""Machines are busy: a slower run is shown, and fails a gate only where its floors say so."""
LEAST = 3
"""Timed batches without which nothing is told."""


@dataclass(frozen=True)
class Conditions:
    """What a speed depends on beside the method: speeds of unequal conditions say nothing of each other."""

    device: str
    """Its kind: `cpu`, `cuda`."""
    model: str
    """Of the processor or the GPU."""
    threads: int | None
    batch_size: int
    processes: int = 1
    """On its machine at once, of a launch."""
    processes_on_gpu: int = 1

    def __str__(self) -> str:
        threads = [] if self.threads is None else [f"{self.threads} thread{'s' if self.threads > 1 else ''}"]
        chip = " ".join(filter(None, (self.device, self.model)))
        return ", ".join([chip, *threads, f"batches of {self.batch_size}", *provenance.shared_by(vars(self))])


def conditions(records: Sequence[Record]) -> Conditions | None:
    """Under which the records were timed; None where they were not, or not all under the same."""
    found = {_conditions(record) for record in records}
    return found.pop() if len(found) == 1 else None


def _conditions(record: Record) -> Conditions | None:
    if record.cost is None or not record.cost.images_per_second:
        return None
    device, facts = record.cost.device.split(":")[0], record.provenance
    chip = facts["gpu"] if "gpu" in facts else facts.get("cpu", "")
    beside = provenance.beside(facts)
    return Conditions(device, chip, facts.get("threads"), record.cost.batch_size, **beside)


def slower(base: Record, ours: Record) -> Difference | Missing:
    """Difference of the logarithm of the relative time, by Welch's t."""
    if not base.cost or not ours.cost or min(len(base.cost.relative), len(ours.cost.relative)) < LEAST:
        return Missing("fewer than three batches were timed")
    before, now = provenance.beside(base.provenance), provenance.beside(ours.provenance)
    for what, was, is_ in (
        ("device", base.cost.device.split(":")[0], ours.cost.device.split(":")[0]),
        ("number of threads", base.provenance.get("threads"), ours.provenance.get("threads")),
        ("batch size", base.cost.batch_size, ours.cost.batch_size),
        *((f"number of {said}", before[name], now[name]) for name, said in provenance.BESIDE.items()),
    ):
        if was != is_:
            return Missing(f"another {what}: {is_}, was {was}")
    return statistics.welch(np.log(ours.cost.relative).tolist(), np.log(base.cost.relative).tolist())


def timed(record: Record) -> bool:
    """Whether it can be a baseline."""
    return record.cost is not None and len(record.cost.relative) >= LEAST
