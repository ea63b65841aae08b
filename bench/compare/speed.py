"""Time over that of the bare network calls in the same run: seconds of another machine mean nothing."""

from __future__ import annotations

import numpy as np

from .. import statistics
from ..metrics import Floor
from ..records import Missing, Record
from ..statistics import Difference

TIME = "relative_time"
"""What it is called among metrics."""
FLOOR = Floor(relative=0.10)
LEAST = 3
"""Timed batches without which nothing is told."""


def slower(base: Record, ours: Record) -> Difference | Missing:
    """Difference of the logarithm of the relative time, by Welch's t."""
    if not base.cost or not ours.cost or min(len(base.cost.relative), len(ours.cost.relative)) < LEAST:
        return Missing("fewer than three batches were timed")
    for what, was, is_ in (
        ("device", base.cost.device.split(":")[0], ours.cost.device.split(":")[0]),
        ("batch size", base.cost.batch_size, ours.cost.batch_size),
    ):
        if was != is_:
            return Missing(f"another {what}: {is_}, was {was}")
    return statistics.welch(np.log(ours.cost.relative).tolist(), np.log(base.cost.relative).tolist())


def timed(record: Record) -> bool:
    """Whether it can be a baseline."""
    return record.cost is not None and len(record.cost.relative) >= LEAST
