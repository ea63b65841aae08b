"""A/A: how often a comparison finds a difference where there is none, on the evidence and the machine at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..symmflow.errors import InputError
from . import statistics
from .compare import Row, Table
from .difference import between
from .gate import TIME
from .samples import Stored, sample
from .statistics import Interval

TRIALS = 200
"""Random exchanges of two equal runs, a pair of runs and metric."""


@dataclass(frozen=True)
class Rate:
    """False alarms of one metric."""

    metric: str
    rows: int
    """Rows of the table that could be tried."""
    alarms: int
    trials: int
    share: Interval
    """Of trials with p < 5 % and an interval without zero. A row's trials share its images: the interval is narrow."""


@dataclass
class Self:
    """The false alarms of a table."""

    table: Table
    rates: list[Rate] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def against_itself(tables: Sequence[Table], stored: Sequence[Stored], trials: int = TRIALS) -> list[Self]:
    """Compare every row with itself.

    Quality: two seeds of a row differ by chance alone, so each image may go to either side; `trials` random exchanges
    are compared as two methods would be. Speed: the timed batches of a run are split into two halves at random.
    """
    by_key = {record.key: (record, folder) for record, folder in stored}
    found = []
    for table in tables:
        made = Self(table)
        counts: dict[str, list[tuple[int, int]]] = {}
        for row in table.rows:
            for metric, alarms in _row(row, by_key, trials, made.remarks):
                counts.setdefault(metric, []).append((alarms, trials))
        for metric, pairs in counts.items():
            alarms, total = sum(a for a, _ in pairs), sum(t for _, t in pairs)
            made.rates.append(Rate(metric, len(pairs), alarms, total, statistics.wilson(alarms, total)))
        found.append(made)
    if not any(made.rates for made in found):
        raise InputError("nothing can be compared with itself: run cells with two seeds (--seeds 0,1).")
    return found


def _row(row: Row, by_key: dict[str, Stored], trials: int, remarks: list[str]) -> list[tuple[str, int]]:
    """(metric, alarms) of a row."""
    made = []
    records = [by_key[key] for key in row.keys]
    name = f"{row.method} at {row.steps or 'no'} steps"
    if len(records) < 2:
        remarks.append(f"{name} has one seed: its quality cannot be compared with itself")
    else:
        for metric in row.metrics:
            if metric.endswith("_real"):
                continue
            a, b = (sample(metric, [stored]) for stored in records[:2])
            if isinstance(a, str) or isinstance(b, str):
                remarks.append(f"{metric} of {name}: {a if isinstance(a, str) else b}")
                continue
            random = np.random.default_rng(0)
            alarms = 0
            for _ in range(trials):
                where = random.random(len(a.ids)) < 0.5
                alarms += _alarm(between(a.taking(b, where), b.taking(a, where)))
            made.append((metric, alarms))
    times = [t for record, _ in records if record.cost for t in record.cost.relative]
    if len(times) >= 6:
        made.append((TIME, sum(_alarm(halves(times, trial)) for trial in range(trials))))
    return made


def halves(times: Sequence[float], trial: int) -> statistics.Difference:
    """The difference of two random halves of the timed batches, as the gate would compare two runs."""
    order = np.random.default_rng(trial).permutation(np.log(times)).tolist()
    return statistics.welch(order[: len(order) // 2], order[len(order) // 2 :])


def _alarm(found: statistics.Difference) -> bool:
    return found.p < 0.05 and (found.low > 0 or found.high < 0)
