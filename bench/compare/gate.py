"""The regression gate: results against a baseline, cell by cell, with an exit code for continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...symmflow.errors import InputError
from .. import metrics, statistics
from ..metrics import family
from ..protocols import fields_apart
from ..records import Figure, Missing, Record, Stored
from ..statistics import Difference
from . import text
from .decision import Decision, decide
from .difference import compared, difference
from .floors import Floors, floor_of
from .naming import fingerprint, identity
from .report import OUTCOMES, Check, Report
from .speed import TIME, slower, timed


@dataclass(frozen=True)
class _Open:
    """A difference that is judged when all are known."""

    metric: str
    base: Record
    ours: Record
    gap: Difference


def gate(baseline: Sequence[Stored], results: Sequence[Stored], floors: Floors, strict: bool = False) -> Report:
    """Compare every cell of the baseline with the one of the same name in the results.

    Differences are paired by image and judged by `decide`, with p values adjusted for all checks (Holm).
    """
    if not baseline:
        raise InputError("the baseline holds no cell; save one from results that are whole.")
    refuse_namesakes(baseline)
    theirs = by_name(results)
    found = [one for base in baseline for one in _compare(base, counterpart(base, theirs))]
    checks = [one for one in found if isinstance(one, Check)]
    still_open = [one for one in found if isinstance(one, _Open)]
    adjusted = statistics.holm([one.gap.p for one in still_open])
    checks += [_judge(one, floors, p, len(still_open)) for one, p in zip(still_open, adjusted, strict=True)]
    checks = [replace(c, tier=floor_of(c.metric, floors).tier) if c.metric else c for c in checks]
    if not checks:
        raise InputError("the baseline holds no figure; save one from results that are whole.")
    known = {identity(cell.record) for cell in baseline}
    checks += [Check(name, "", "extra", "the baseline has no such cell") for name in sorted(theirs.keys() - known)]
    order = list(OUTCOMES)
    return Report(tuple(sorted(checks, key=lambda c: (order.index(c.status), c.tier == "advisory"))), strict)


def by_name(results: Sequence[Stored]) -> dict[str, list[Stored]]:
    named: dict[str, list[Stored]] = {}
    for cell in results:
        named.setdefault(identity(cell.record), []).append(cell)
    return named


def counterpart(base: Stored, named: Mapping[str, Sequence[Stored]]) -> Stored | None:
    """The cell of its name that a baseline's is compared with: of its protocol before others, then the newest."""
    alike, hashed = named.get(identity(base.record), ()), base.record.protocol["hash"]
    return max(alike, key=lambda cell: (cell.record.protocol["hash"] == hashed, cell.record.created), default=None)


def refuse_namesakes(baseline: Sequence[Stored]) -> None:
    """A baseline must not hold two checkpoints under one name: a gate could not tell which one is meant."""
    seen: dict[tuple[str, str], Record] = {}
    for cell in baseline:
        record = cell.record
        other = seen.setdefault((identity(record), record.protocol["hash"]), record)
        if other is not record:
            raise InputError(
                f"the baseline holds '{identity(record)}' twice, of checkpoints {fingerprint(other)} and "
                f"{fingerprint(record)}; save it from a folder that has one of them."
            )


def _compare(base: Stored, ours: Stored | None) -> list[Check | _Open]:
    """A cell of the baseline with its counterpart."""
    name, hashed = identity(base.record), base.record.protocol["hash"]
    if base.record.status != "ok":
        return [Check(name, "", "failed", f"already in the baseline: {_last_line(base.record)}")]
    if ours is None:
        return [Check(name, "", "missing", "the results have no such cell")]
    if (other := ours.record.protocol["hash"]) != hashed:
        fields = ", ".join(fields_apart(hashed, other, [base.store.root, ours.store.root])) or "unknown"
        return [Check(name, "", "incomparable", f"another protocol; these fields differ: {fields}")]
    if ours.record.status != "ok":
        return [Check(name, "", "failed", _last_line(ours.record))]
    made: list[Check | _Open] = []
    for metric in compared(base.record):
        gap = _difference(metric, ours, base)
        if isinstance(gap, Missing):
            made.append(Check(name, metric, "undecided" if _untold(metric, ours.record) else "missing", str(gap)))
        else:
            made.append(_Open(metric, base.record, ours.record, gap))
    if timed(base.record):
        time = slower(base.record, ours.record)
        if isinstance(time, Missing):
            made.append(Check(name, TIME, "unjudged", str(time)))
        else:
            made.append(_Open(TIME, base.record, ours.record, time))
    return made


def _difference(metric: str, ours: Stored, base: Stored) -> Difference | Missing:
    record = ours.record
    if metric not in record.metrics:
        why = record.absent.get(metric) or record.absent.get(family(metric)) or "the record does not say why"
        return Missing(f"not measured this time: {why}")
    if belied := next(filter(None, (metrics.contradicted(metric, cell) for cell in (ours, base))), ""):
        return Missing(belied)
    return difference(metric, [ours], [base])


def _untold(metric: str, record: Record) -> bool:
    """Whether there is a figure, and these samples tell no interval of it."""
    figure = record.metrics.get(metric)
    return figure is not None and figure.low is None and figure.covers != ""


def _last_line(record: Record) -> str:
    return (record.reason.strip().splitlines() or ["unknown reason"])[-1]


def _judge(one: _Open, floors: Floors, p: float, tests: int) -> Check:
    gap, least = one.gap, floor_of(one.metric, floors)
    if one.metric == TIME:
        values = [float(np.median(r.cost.relative)) for r in (one.base, one.ours) if r.cost]
        floor = float(np.log1p(least.of(values[0]) / values[0]))
        worse, limit, unit = gap, f"{np.expm1(floor):.1%}", "timed batches"
        n = len(one.ours.cost.relative) if one.ours.cost else 0
        said = f"{values[1]:.2f} times its network calls, was {values[0]:.2f}: {_times(gap)}"
    else:
        before, now = (r.metrics[one.metric] for r in (one.base, one.ours))
        values, floor = [before.value, now.value], least.of(before.value)
        worse = gap if before.better == "lower" else _turned(gap)
        limit, unit, n, said = text.margin(floor, before.unit), "samples", one.ours.n, _said(before, now, gap)
    found = decide(worse, floor, p, tests=tests, n=n)
    said = "; ".join([f"{said}, p {'' if p < 1e-4 else '= '}{text.probability(p)}", *_meaning(found, gap, limit, unit)])
    if one.ours.is_same(one.base):
        said += "; the baseline's own record"
    where = identity(one.base), one.metric
    return Check(
        *where,
        found.status,
        said,
        baseline=values[0],
        value=values[1],
        difference=gap,
        floor=floor,
        p=p,
        n=n,
        decides=found.decides,
    )


def _meaning(found: Decision, gap: Difference, limit: str, unit: str) -> list[str]:
    """What a status says beyond the figures."""
    if found.status == "undecided":
        enough = [f"about {found.decides:,} {unit} would decide, if it stays what it is"] if found.decides else []
        return [f"worse by more than {limit} is neither shown nor excluded", *enough]
    if found.status == "pass":
        return ["the same on every image"] if gap.same else []
    return [f"{'worse' if found.status == 'regression' else 'better'} by more than {limit}"]


def _turned(d: Difference) -> Difference:
    ends = -d.high, -d.low, -d.inner_high, -d.inner_low
    return Difference(-d.value, *ends, d.error, d.p, d.covers, d.freedom, d.same)


def _said(before: Figure, now: Figure, gap: Difference) -> str:
    scale, unit = (100, " %") if before.unit == "fraction" else (1, "")
    ends = f"[{gap.low * scale:+.3g}, {gap.high * scale:+.3g}]"
    return f"{now.value * scale:.4g}{unit}, was {before.value * scale:.4g}{unit}: {gap.value * scale:+.3g} {ends}"


def _times(gap: Difference) -> str:
    """A difference of logarithms, in percent of the time before."""
    value, low, high = (np.expm1(x) for x in (gap.value, gap.low, gap.high))
    return f"{value:+.1%} [{low:+.1%}, {high:+.1%}]"
