"""What a metric is: one object, from which its figure, intervals and comparisons all follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..records import Figure, Missing
from .sample import Sample, Values

if TYPE_CHECKING:
    from ..records import Evidence


@dataclass(frozen=True)
class Floor:
    """The smallest difference that matters: absolute, or a share of the baseline's value."""

    absolute: float | None = None
    relative: float | None = None
    tier: Literal["critical", "advisory"] = "critical"
    """Whether a gate fails by a worse figure, or only shows it."""

    def of(self, value: float) -> float:
        return self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(value)

    def __str__(self) -> str:
        least = f"{self.absolute:g}" if self.absolute is not None else f"{self.relative or 0.0:.0%} of the baseline"
        return least if self.tier == "critical" else f"{least}, {self.tier}"


@dataclass(frozen=True)
class Subject:
    """What the evidence is of: all that a figure depends on beside it."""

    classes: tuple[str, ...]
    masks: bool
    """Labels are masks, not one class an image."""
    ignored: tuple[str, ...] = ()
    """Classes whose pixels count for nothing."""
    judges: Mapping[str, str | Missing] | None = None
    """By role: the judge's name, or why there is none. None: whatever judged it, it was there."""

    def judge(self, role: str) -> str | Missing:
        return "" if self.judges is None else self.judges.get(role, Missing("not measured"))


def _no_details(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Metric:
    """A metric. Register an instance under the entry-point group `symmbench.metrics`."""

    name: str
    """`fid`. Where a judge other than the metric's own has a part in it, figures are called `fid[digits-cnn]`."""
    tasks: tuple[str, ...]
    """Abbreviations: cls, ss, sis, cycle."""
    what: str
    """One sentence for people."""
    sample: Callable[[Evidence, Subject], Sample | Missing] = field(repr=False)
    """From the evidence of a cell (`Evidence` says which tables and columns a task leaves) to the metric as a function
    of weights on its images; or why there is none."""
    version: int = 1
    """Raised whenever the figure's definition changes, so that old figures stay apart from new ones; not for another
    interval about the same figure."""
    unit: Literal["fraction", "distance"] = "fraction"
    better: Literal["higher", "lower"] = "higher"
    floor: Floor = Floor(absolute=0.0)
    """Smaller differences do not matter."""
    interval: str = "bootstrap over images"
    judge: str | None = None
    """The role of the judge without which it is absent, with the reason: `extractor`, `lpips`, `aligner`."""
    own_judge: str | None = None
    """The judge that needs no brackets; None: the judge's name is no part of the figure's."""
    labels: Literal["masks", "classes"] | None = None
    """Only for data that is labelled so."""
    kind: type[Sample] = Values
    """What `sample` gives."""
    headline: bool = False
    """Drawn as a curve over steps."""
    compared: bool = True
    """False: a ceiling or the like, of which no difference is told."""
    rank: int = 100
    """Its place in tables, the lowest first."""
    details: Callable[[Evidence, Subject], dict[str, Any]] = field(default=_no_details, repr=False)
    """What else a reader may want, for the record."""

    @property
    def share(self) -> bool:
        return self.unit == "fraction"

    def of(self, evidence: Evidence, subject: Subject) -> Sample | Missing:
        """`sample`, where there is the judge that it needs."""
        judge = self._judged(subject)
        return judge if isinstance(judge, Missing) else self.sample(evidence, subject)

    def more(self, evidence: Evidence, subject: Subject) -> dict[str, Any]:
        """`details`, where there is the judge that it needs."""
        return {} if isinstance(self._judged(subject), Missing) else self.details(evidence, subject)

    def _judged(self, subject: Subject) -> str | Missing:
        return subject.judge(self.judge) if self.judge else ""

    def applies(self, subject: Subject) -> bool:
        return self.labels in (None, "masks" if subject.masks else "classes")

    def named(self, subject: Subject) -> str:
        """`fid` by its own extractor's features, `fid[digits-cnn]` by any other's."""
        judge = subject.judge(self.judge) if self.judge and self.own_judge else None
        return f"{self.name}[{judge}]" if judge and judge != self.own_judge else self.name

    def figure(self, sample: Sample) -> Figure:
        """The figure with its interval: without one where there is none to tell; that of a share ends at 0 and 1."""
        found = sample.interval(self.share)
        low, high = found.low, found.high
        if self.share:
            low, high = (min(max(end, 0.0), 1.0) for end in (low, high))
        known = bool(np.isfinite(found.low))
        return Figure(
            value=found.value,
            low=low if known else None,
            high=high if known else None,
            unit=self.unit,
            better=self.better,
            covers=found.covers,
        )


def family(name: str) -> str:
    """`fid` of `fid[digits-cnn]`."""
    return name.partition("[")[0]
