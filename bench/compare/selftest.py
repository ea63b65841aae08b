"""A/A: how often a comparison finds a difference where there is none, on the evidence and the machine at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ...symmflow.errors import InputError
from .. import statistics
from ..metrics.sample import Stored, sample
from ..statistics import Difference, Interval
from .difference import between
from .gate import TIME, slower
from .rows import Row, Table

TRIALS = 200
"""Random exchanges of two equal runs, a row and metric."""


@dataclass(frozen=True)
class Rate:
    """False alarms of one metric."""

    metric: str
    how: str
    """`exchange` of images at random, or `runs`: whole runs against each other."""
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
    """Compare every row with itself: its seeds differ by chance alone.

    Where a metric is a mean over images, each image of two seeds may go to either side: `trials` random exchanges are
    compared as two methods would be. Distances of sets, and time, are compared run against run, all pairs of seeds.
    """
    by_key = {record.key: (record, folder) for record, folder in stored}
    found = []
    for table in tables:
        made = Self(table)
        counts: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for row in table.rows:
            if len(row.keys) < 2:
                made.remarks.append(
                    f"{row.method} at {row.steps or 'no'} steps has one seed: nothing to compare it with"
                )
                continue
            for metric, how, differences in _row(row, by_key, trials, made.remarks):
                alarms = [_alarm(d) for d in differences]
                counts.setdefault((metric, how), []).append((sum(alarms), len(alarms)))
        for (metric, how), pairs in counts.items():
            false, total = sum(a for a, _ in pairs), sum(t for _, t in pairs)
            made.rates.append(Rate(metric, how, len(pairs), false, total, statistics.wilson(false, total)))
        found.append(made)
    if not any(made.rates for made in found):
        raise InputError("nothing can be compared with itself: run cells with two seeds (--seeds 0,1).")
    return found


def _row(
    row: Row, by_key: Mapping[str, Stored], trials: int, remarks: list[str]
) -> Iterator[tuple[str, str, list[Difference]]]:
    """(metric, how, differences) of a row with itself."""
    records = [by_key[key] for key in row.keys]
    for metric in row.metrics:
        if metric.endswith("_real"):
            continue
        found = [sample(metric, [stored]) for stored in records]
        if any(isinstance(s, str) for s in found):
            reason = next(s for s in found if isinstance(s, str))
            remarks.append(f"{metric} of {row.method} at {row.steps or 'no'} steps: {reason}")
            continue
        a, b = found[:2]
        assert not isinstance(a, str) and not isinstance(b, str)
        if a.taking(b, np.zeros(len(a.ids), dtype=bool)) is None:
            pairs = [(x, y) for x, y in combinations(found, 2) if not isinstance(x, str) and not isinstance(y, str)]
            yield metric, "runs", [between(x, y) for x, y in pairs]
            continue
        random, made = np.random.default_rng(0), []
        for _ in range(trials):
            where = random.random(len(a.ids)) < 0.5
            x, y = a.taking(b, where), b.taking(a, where)
            assert x is not None and y is not None
            made.append(between(x, y))
        yield metric, "exchange", made
    times = [slower(x, y) for (x, _), (y, _) in combinations(records, 2)]
    if timed := [d for d in times if isinstance(d, Difference)]:
        yield TIME, "runs", timed


def _alarm(found: Difference) -> bool:
    return found.p < 0.05 and (found.low > 0 or found.high < 0)
