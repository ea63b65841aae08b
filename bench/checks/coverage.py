"""How often the intervals cover, and how often a comparison cries wolf, by simulation where the truth is known.

`bench doctor --coverage` runs it. Every design states what it estimates. Coverage is the share of trials whose 95 %
interval holds the estimand, of those in which one is told; `alarms` the share of comparisons of two equal methods that
find a difference at 5 %; `power` the share that find one of three standard errors.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from zlib import crc32

import numpy as np

from ..records import Missing
from ..statistics import Difference, Interval

Random = np.random.Generator
Simulated = Callable[[Random], tuple[Difference | Missing, float | None]]


@dataclass(frozen=True)
class Row:
    """One design point and what a thousand trials gave."""

    interval: str
    estimand: str
    design: str
    measure: str
    """`coverage`, `alarms` or `power`."""
    trials: int
    told: float
    """Share of the trials that tell an interval: the others withhold it."""
    share: float
    """Of the trials that tell one."""


@dataclass(frozen=True)
class Design:
    """`draw` makes an interval and the truth from a generator; a truth of None is the mean of all trials' values."""

    interval: str
    estimand: str
    design: str
    draw: Callable[[Random], tuple[Interval | Difference | Missing, float | None]]
    measure: str = "coverage"


def simulate(designs: Sequence[Design], trials: int, seed: int = 0) -> Iterator[Row]:
    """Simulate every design; the trial numbers are seeds, so that a longer run begins with the shorter one.

    A design's own words are a seed too: what it gives does not depend on which others are simulated.
    """
    for design in designs:
        words = crc32(" ".join((design.interval, design.estimand, design.design, design.measure)).encode())
        drawn = [design.draw(np.random.default_rng([seed, words, t])) for t in range(trials)]
        found = [(i, truth) for i, truth in drawn if not isinstance(i, Missing) and np.isfinite(i.low)]
        mean = float(np.mean([i.value for i, _ in found])) if found else float("nan")
        if design.measure == "coverage":
            hits = [i.low <= (mean if truth is None else truth) <= i.high for i, truth in found]
        else:
            hits = [isinstance(i, Difference) and i.p < 0.05 and (i.low > 0 or i.high < 0) for i, _ in found]
        share = float(np.mean(hits)) if hits else float("nan")
        yield Row(design.interval, design.estimand, design.design, design.measure, trials, len(found) / trials, share)


def to_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(Row.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {**asdict(row), "told": f"{row.told:.3f}", "share": f"{row.share:.4f}" if row.told else ""} for row in rows
    )
    return text.getvalue()
