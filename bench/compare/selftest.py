"""A/A: how often a comparison finds a difference where there is none, on the evidence and the machine at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations

import numpy as np

from ...reports.block import Block
from ...symmflow.errors import InputError
from .. import metrics, statistics
from ..metrics import Sample
from ..records import Missing
from ..statistics import Difference, Interval
from .difference import compared
from .rows import Row
from .speed import TIME, slower
from .tables import Table

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


def against_itself(tables: Sequence[Table], trials: int = TRIALS) -> list[Self]:
    """Compare every row with itself: its seeds differ by chance alone.

    Where a metric is a mean over images, each image of two seeds may go to either side: `trials` random exchanges are
    compared as two methods would be. Distances of sets, and time, are compared run against run, all pairs of seeds.
    """
    found = []
    for table in tables:
        made = Self(table)
        counts: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for row in table.rows:
            if len(row.cells) < 2:
                made.remarks.append(f"{row.at} has one seed: nothing to compare it with")
                continue
            for metric, how, differences in _row(row, trials, made.remarks):
                alarms = [_alarm(d) for d in differences]
                counts.setdefault((metric, how), []).append((sum(alarms), len(alarms)))
        for (metric, how), pairs in counts.items():
            false, total = sum(a for a, _ in pairs), sum(t for _, t in pairs)
            made.rates.append(Rate(metric, how, len(pairs), false, total, statistics.wilson(false, total)))
        found.append(made)
    if not any(made.rates for made in found):
        raise InputError("nothing can be compared with itself: run cells with two seeds (--seeds 0,1).")
    return found


def _row(row: Row, trials: int, remarks: list[str]) -> Iterator[tuple[str, str, list[Difference]]]:
    """(metric, how, differences) of a row with itself."""
    for metric in compared(row.record):
        found = metrics.samples_of(metric, row.cells)
        if isinstance(found, Missing):
            remarks.append(f"{metric} of {row.at}: {found}")
            continue
        share = metrics.metric(metric).share
        told, how = _exchanged(found[0], found[1], share, trials), "exchange"
        if told is None:
            told, how = [x.minus(y, share) for x, y in combinations(found, 2)], "runs"
        remarks += dict.fromkeys(f"{metric} of {row.at}: {gap}" for gap in told if isinstance(gap, Missing))
        if differences := [gap for gap in told if not isinstance(gap, Missing)]:
            yield metric, how, differences
    times = [slower(x.record, y.record) for x, y in combinations(row.cells, 2)]
    if timed := [time for time in times if isinstance(time, Difference)]:
        yield TIME, "runs", timed


def _exchanged(a: Sample, b: Sample, share: bool, trials: int) -> list[Difference | Missing] | None:
    """Differences after random exchanges of images; None where they cannot be exchanged."""
    random = np.random.default_rng(0)
    made: list[Difference | Missing] = []
    for _ in range(trials):
        where = random.random(len(a.ids)) < 0.5
        x, y = a.taking(b, where), b.taking(a, where)
        if x is None or y is None:
            return None
        made.append(x.minus(y, share))
    return made


def _alarm(found: Difference) -> bool:
    return found.p < 0.05 and (found.low > 0 or found.high < 0)


def block(found: Self) -> Block:
    """False alarms of comparisons of equals."""
    rows = [
        [
            r.metric,
            r.how,
            str(r.rows),
            f"{r.alarms} of {r.trials}",
            f"{r.share.value:.1%} [{r.share.low:.1%}, {r.share.high:.1%}]",
        ]
        for r in found.rates
    ]
    notes = [
        "exchange: images of two seeds of a row change sides at random; runs: its seeds against each other. "
        "5 % should alarm.",
        *[f"{remark}." for remark in found.remarks],
    ]
    data = [{"protocol": found.table.protocol, **asdict(r)} for r in found.rates]
    headers = ["metric", "how", "rows", "alarms", "share"]
    return Block("self", f"{found.table.heading}, against itself", headers, rows, data, notes, left=(0, 1))
