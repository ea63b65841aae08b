"""A row of a table: a method at a step count, over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median_high
from typing import Any

import numpy as np

from ...reports.published import lookup
from .. import metrics, statistics
from ..records import Figure, Missing, Record, Stored
from ..statistics import Interval
from .departures import papers_own
from .difference import compared
from .naming import fingerprint, recipe
from .speed import Conditions, conditions


@dataclass(frozen=True, eq=False)
class Row:
    """Cells that differ in the seed alone, ascending."""

    cells: tuple[Stored, ...]
    name: str
    """What it is called in its table."""

    @property
    def record(self) -> Record:
        """Of its first seed: what all seeds have in common."""
        return self.cells[0].record

    @property
    def method(self) -> str:
        return self.record.method

    @property
    def steps(self) -> int | None:
        return self.record.steps

    @property
    def at(self) -> str:
        """`symmflow@25`: its name in a sentence."""
        return self.name if self.steps is None else f"{self.name}@{self.steps}"

    @property
    def protocol(self) -> str:
        """Hash of the protocol."""
        return self.record.protocol["hash"]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(cell.record.seed for cell in self.cells)

    @property
    def nfe(self) -> float | None:
        return self.record.nfe

    @property
    def timed(self) -> bool:
        return any(cell.record.cost and cell.record.cost.images_per_second for cell in self.cells)

    @cached_property
    def conditions(self) -> Conditions | None:
        """Under which its speed was measured; None where it has none, or its seeds were measured under several."""
        return conditions([cell.record for cell in self.cells])

    @property
    def images_per_second(self) -> float | None:
        """Median over the seeds; None where these were not all measured under the same conditions."""
        if self.conditions is None:
            return None
        speeds = [c.images_per_second for cell in self.cells if (c := cell.record.cost) and c.images_per_second]
        return median_high(speeds) if np.isfinite(speeds).all() else None

    @cached_property
    def metrics(self) -> dict[str, Figure]:
        return {name: over_seeds(name, self.cells) for name in self.record.metrics}

    @cached_property
    def compared(self) -> list[str]:
        """The metrics of which differences are told."""
        return compared(self.record)

    @cached_property
    def paper(self) -> dict[str, float]:
        """The paper's figure of the same metric, where this is the paper's own cell: see `departures`."""
        r = self.record
        if not papers_own(r):
            return {}
        found = {name: lookup(r.method, r.task, r.dataset, r.split, name, r.steps, r.solver) for name in self.metrics}
        return {name: published.value for name, published in found.items() if published}

    def plain(self, images_per_second: float | None) -> dict[str, Any]:
        """For JSON."""
        r = self.record
        return {
            "method": r.method,
            "recipe": recipe(r),
            "fingerprint": fingerprint(r),
            "steps": r.steps,
            "solver": r.solver,
            "options": r.options,
            "precision": r.precision,
            "seeds": self.seeds,
            "n": r.n,
            "parameters": r.checkpoint.parameters,
            "nfe": r.nfe,
            "images_per_second": images_per_second,
            "metrics": {name: figure.model_dump(mode="json") for name, figure in self.metrics.items()},
            "paper": self.paper,
            "keys": [cell.record.key for cell in self.cells],
            "protocol": self.protocol,
        }


def over_seeds(metric: str, cells: Sequence[Stored]) -> Figure:
    """The mean over seeds, its interval over test images and seeds together; over images alone where seeds agree."""
    cells = [cell for cell in cells if metric in cell.record.metrics]
    found = [cell.record.metrics[metric] for cell in cells]
    if len(found) == 1:
        return found[0]
    intervals = [Interval(f.value, f.low, f.high, f.covers) for f in found if f.low is not None and f.high is not None]
    if len(intervals) < len(found):  # where a seed has no interval to tell, their mean has none
        untold, mean = next(f for f in found if f.low is None), float(np.mean([figure.value for figure in found]))
        return untold.model_copy(update={"value": mean})
    samples = metrics.samples_of(metric, cells)
    if isinstance(samples, Missing):  # without evidence nothing says what is an image's own
        interval = statistics.interval_over_seeds(intervals, None)
    else:
        interval = metrics.interval_over_seeds(intervals, samples)
    low, high = interval.low, interval.high
    if found[0].unit == "fraction":
        low, high = max(low, 0.0), min(high, 1.0)
    return found[0].model_copy(update={"value": interval.value, "low": low, "high": high, "covers": interval.covers})
