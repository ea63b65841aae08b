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
from .changes import RUN, VERSION, Change, changes, unrecorded
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
    found, left_out = states(name, a, b, cells)
    way = path(found, apart)
    ends = tuple((identity(cell.record), _figure(name, cell).value) for cell in (a, b))
    untold = [] if apart or ends[0][1] == ends[1][1] else unrecorded(a, b)
    whole = _part(name, [*apart.values(), *untold], a, b, "unexplained" if untold else "measured")
    parts = [whole] if untold else [part for step in pairwise(way) for part in _step(name, found, apart, *step)]
    notes = (*_notes(a, b, way), *left_out)
    return Budget(name, _figure(name, a).unit, ends[0], ends[1], whole, tuple(parts), notes)


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
    together = {"method", RUN, VERSION} if apart.keys() & {"method"} else set()
    asked = tuple(remedy(a, b, c.name) for c in left if c.name not in together)
    if not parts:
        yield _part(metric, left, a, b, "unexplained", asked)
        return
    rest = _part(metric, [apart[name] for name in names], a, b, "unexplained").value - sum(part.value for part in parts)
    acts = "it acts" if len(left) == 1 else "they act"
    what = (*map(str, left), f"and how {acts} together with {_listed(list(elsewhere))}")
    what = what if left else (f"how {_listed(names)} act together",)
    how = "what is left when the parts that other cells measure, beside other things, are taken off"
    yield Part(tuple(c.name for c in left) or tuple(names), what, rest, "unexplained", how=how, remedies=asked)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if names[1:] else names[0]


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
    if a.record.method != b.record.method:
        said.append("Method and training run change together: no cell tells them apart.")
    return tuple(said)
