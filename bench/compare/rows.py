"""A row of a table: a method at a step count, over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ... import methods
from ...reports.published import lookup
from ...symmflow.errors import InputError
from .. import statistics
from ..records import Figure, Record, Stored
from .naming import fingerprint, recipe


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
    def images_per_second(self) -> float | None:
        """Median over the seeds."""
        costs = [cell.record.cost for cell in self.cells]
        speeds = sorted(c.images_per_second for c in costs if c and c.images_per_second)
        return speeds[len(speeds) // 2] if speeds else None

    @property
    def seconds(self) -> float | None:
        """Seconds an image."""
        return 1 / self.images_per_second if self.images_per_second else None

    @cached_property
    def metrics(self) -> dict[str, Figure]:
        return {name: over_seeds(name, self.cells) for name in self.record.metrics}

    @cached_property
    def paper(self) -> dict[str, float]:
        """The paper's figure of the same metric, where it has one for this method, data set and step count."""
        r = self.record
        if r.precision != "fp32" or not default_options(r):
            return {}
        found = {name: lookup(r.method, r.task, r.dataset, name, r.steps, r.solver) for name in self.metrics}
        return {name: published.value for name, published in found.items() if published}

    def plain(self) -> dict[str, Any]:
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
            "images_per_second": self.images_per_second,
            "metrics": {name: figure.model_dump(mode="json") for name, figure in self.metrics.items()},
            "paper": self.paper,
            "keys": [cell.record.key for cell in self.cells],
            "protocol": self.protocol,
        }


def over_seeds(metric: str, cells: Sequence[Stored]) -> Figure:
    """One seed, or seeds that all agree: the interval over test images. Else the mean and the interval over seeds."""
    found = [cell.record.metrics[metric] for cell in cells if metric in cell.record.metrics]
    if len({figure.value for figure in found}) == 1:
        return found[0]
    interval = statistics.over_seeds([figure.value for figure in found])
    low, high = interval.low, interval.high
    if found[0].unit == "fraction":
        low, high = max(low, 0.0), min(high, 1.0)
    return found[0].model_copy(update={"value": interval.value, "low": low, "high": high, "covers": interval.covers})


def default_options(record: Record) -> bool:
    """Whether the method ran with its own inference options; False where the method is not installed here."""
    try:
        defaults = methods.method(record.method).Inference().model_dump(mode="json")
    except InputError:
        return False
    return all(defaults.get(name) == value for name, value in record.options.items())
