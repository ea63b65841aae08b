"""The gap between two figures, told apart: parts that cells at hand measure, and what they leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ....symmflow.errors import InputError
from ... import metrics
from ...records import Figure, Missing, Stored
from ..naming import identity
from .between import between
from .changes import Change, changes
from .path import State, isolating, metric_of, path, states
from .remedy import Remedy, remedy

Kind = Literal["measured", "measured elsewhere", "unexplained"]


@dataclass(frozen=True)
class Part:
    """What of a gap comes from something."""

    names: tuple[str, ...]
    """What changes: one thing where it is measured."""
    said: tuple[str, ...]
    """`rounding: round -> truncate`."""
    value: float
    kind: Kind
    low: float | None = None
    """95 % interval; None: `how` says why."""
    high: float | None = None
    how: str = ""
    """How images are shared by the two figures."""
    cells: tuple[str, ...] = ()
    """Keys of the records of which it is the difference."""
    remedies: tuple[Remedy, ...] = ()
    """What would measure each thing in it."""


@dataclass(frozen=True)
class Budget:
    """The gap of a metric, the far end less the near one. Its parts add up to it."""

    metric: str
    unit: str
    near: tuple[str, float]
    """What it is called, and its figure."""
    far: tuple[str, float]
    whole: Part
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        return self.whole.value

    @property
    def unexplained(self) -> float:
        return sum(part.value for part in self.parts if part.kind == "unexplained")


def budget(a: Stored, b: Stored, cells: Sequence[Stored], metric: str | None = None) -> Budget:
    """From the figure of `a` to that of `b`, over `cells` that lie between them.

    Each cell on the way has some things from `a` and the rest from `b`. A step in which one thing changes measures it;
    of one in which several change, those are told that two other cells isolate, and the rest is unexplained, as is how
    they act together. Raises `InputError` where the two are not of one task, or share no metric.
    """
    name = shared_metric(a, b, metric)
    apart = changes(name, a, b)
    found = states(name, a, b, cells)
    way = path(found, apart)
    parts = [part for step in pairwise(way) for part in _step(name, found, apart, *step)]
    ends = tuple((identity(cell.record), _figure(name, cell).value) for cell in (a, b))
    whole = _part(name, tuple(apart.values()), a, b, "measured")
    return Budget(name, _figure(name, a).unit, ends[0], ends[1], whole, tuple(parts), _notes(a, b, way))


def shared_metric(a: Stored, b: Stored, metric: str | None) -> str:
    """The metric to tell of, as `a` calls it: the named one, else the first of both by which tables are summed up."""
    if a.record.task != b.record.task:
        raise InputError(f"one is of {a.record.task}, the other of {b.record.task}; give two cells of one task.")
    both = [name for name in a.record.metrics if metric_of(name, b)]
    if metric is not None:
        own = metric_of(metric, a)
        if own is None or metric_of(own, b) is None:
            raise InputError(f"--metric {metric} is not one of both; they share {', '.join(both) or 'none'}.")
        return own
    known = {name: metrics.known(name) for name in both}
    first = [name for name, one in known.items() if one and one.headline] or both
    if not first:
        raise InputError("the two have no metric in common; run them under protocols that share one.")
    return first[0]


def _step(
    metric: str, found: Mapping[State, Stored], apart: Mapping[str, Change], before: State, after: State
) -> Iterator[Part]:
    """One step of the way: measured where one thing changes, else what is told apart of it, and the rest."""
    names = [name for name in apart if name in after - before]
    a, b = found[before], found[after]
    if len(names) == 1:
        yield _part(metric, [apart[names[0]]], a, b, "measured")
        return
    elsewhere = {name: pair for name in names if (pair := isolating(found, name, before))}
    parts = [_part(metric, [apart[name]], *pair, "measured elsewhere") for name, pair in elsewhere.items()]
    yield from parts
    left = [apart[name] for name in names if name not in elsewhere]
    asked = tuple(remedy(a, b, change.name, [c.name for c in left]) for change in left)
    whole = _part(metric, left or [apart[name] for name in names], a, b, "unexplained", asked)
    if not parts:
        yield whole
        return
    rest = whole.value - sum(part.value for part in parts)
    what = whole.said if left else (f"how {' and '.join(names)} act together",)
    how = "what is left when the parts that other cells measure are taken off"
    yield Part(whole.names if left else tuple(names), what, rest, "unexplained", how=how, remedies=asked)


def _part(
    metric: str, changed: Sequence[Change], a: Stored, b: Stored, kind: Kind, remedies: tuple[Remedy, ...] = ()
) -> Part:
    named = metric_of(metric, a) or metric, metric_of(metric, b) or metric
    value = b.record.metrics[named[1]].value - a.record.metrics[named[0]].value
    gap = between(named, a, b)
    low, high, how = (None, None, str(gap)) if isinstance(gap, Missing) else (gap[0].low, gap[0].high, gap[1])
    names, said = tuple(change.name for change in changed), tuple(map(str, changed))
    return Part(names, said, value, kind, low, high, how, (a.record.key, b.record.key), remedies)


def _figure(metric: str, cell: Stored) -> Figure:
    return cell.record.metrics[metric_of(metric, cell) or metric]


def _notes(a: Stored, b: Stored, way: Sequence[State]) -> tuple[str, ...]:
    order = [" and ".join(sorted(after - before)) for before, after in pairwise(way)]
    told = f"In this order: {', then '.join(order)}. In another order the parts may be others; their sum is not."
    said = [told] if len(order) > 1 else []
    if other := a.record.outputs.changed(b.record.outputs):
        said.append(f"The two were made by other code, which no part tells: {other}.")
    return tuple(said)
