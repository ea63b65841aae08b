"""The regression gate: results against a baseline, cell by cell, with an exit code for continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ...reports import ci
from ...symmflow.errors import InputError
from .. import statistics
from ..metrics import family
from ..protocols import fields_apart
from ..records import Figure, Missing, Record, Stored
from ..statistics import Difference
from . import text
from .difference import compared, difference
from .floors import Floors, floor_of
from .naming import fingerprint, identity
from .speed import TIME, slower, timed

PASS, REGRESSION, UNMEASURED, INCOMPARABLE = 0, 1, 2, 3
"""Exit codes."""
OUTCOMES: dict[str, ci.Outcome] = {
    "regression": "failure",
    "incomparable": "error",
    "failed": "error",
    "missing": "error",
    "unjudged": "skipped",
    "extra": "skipped",
    "pass": "pass",
}
"""What a check can be, worst first, in the words of test reports."""


@dataclass(frozen=True)
class Check:
    """One metric of one cell, or a cell that could not be compared."""

    cell: str
    metric: str
    status: str
    """One of `OUTCOMES`; `unjudged` and `extra` decide nothing."""
    said: str
    baseline: float | None = None
    value: float | None = None
    difference: Difference | None = None
    floor: float | None = None
    p: float | None = None


@dataclass(frozen=True, repr=False)
class Report:
    """All checks, worst first, and the verdict."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """1 if anything got worse, else 3 if something cannot be compared, else 2 if something was not measured."""
        found = {c.status for c in self.checks}
        if "regression" in found:
            return REGRESSION
        if "incomparable" in found:
            return INCOMPARABLE
        return UNMEASURED if found & {"missing", "failed"} else PASS

    @property
    def verdict(self) -> str:
        return {PASS: "pass", REGRESSION: "regression", UNMEASURED: "not measured", INCOMPARABLE: "not comparable"}[
            self.exit_code
        ]

    def __repr__(self) -> str:
        return f"<{ci.summary(self.page())}>"

    def _repr_html_(self) -> str:
        return ci.to_html(self.page())

    def page(self) -> ci.Page:
        """For a reader."""
        checks = [ci.Check(c.cell, c.metric, c.status, OUTCOMES[c.status], c.said, asdict(c)) for c in self.checks]
        covers = dict.fromkeys(c.difference.covers for c in self.checks if c.difference)
        return ci.Page(self.verdict, self.exit_code, checks, list(covers))


@dataclass(frozen=True)
class _Open:
    """A difference that is judged when all are known."""

    metric: str
    base: Record
    ours: Record
    gap: Difference


def gate(baseline: Sequence[Stored], results: Sequence[Stored], floors: Floors) -> Report:
    """Compare every cell of the baseline with the one of the same name in the results.

    A metric fails only if its interval, paired by image, lies wholly on the worse side, its p value is below 5 % after
    correction for all checks (Holm), and the difference exceeds the metric's floor. Of several cells of one name those
    of the baseline's protocol come first, then the newest.
    """
    if not baseline:
        raise InputError("the baseline holds no cell; save one from results that are whole.")
    refuse_namesakes(baseline)
    theirs: dict[str, list[Stored]] = {}
    for cell in results:
        theirs.setdefault(identity(cell.record), []).append(cell)
    found = [one for base in baseline for one in _compare(base, theirs.get(identity(base.record), []))]
    checks = [one for one in found if isinstance(one, Check)]
    still_open = [one for one in found if isinstance(one, _Open)]
    adjusted = statistics.holm([one.gap.p for one in still_open])
    checks += [_judge(one, floors, p) for one, p in zip(still_open, adjusted, strict=True)]
    if not checks:
        raise InputError("the baseline holds no figure; save one from results that are whole.")
    known = {identity(cell.record) for cell in baseline}
    checks += [Check(name, "", "extra", "the baseline has no such cell") for name in sorted(theirs.keys() - known)]
    order = list(OUTCOMES)
    return Report(tuple(sorted(checks, key=lambda c: order.index(c.status))))


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


def _compare(base: Stored, found: Sequence[Stored]) -> list[Check | _Open]:
    """A cell of the baseline with those of its name."""
    name, hashed = identity(base.record), base.record.protocol["hash"]
    if base.record.status != "ok":
        return [Check(name, "", "failed", f"already in the baseline: {_last_line(base.record)}")]
    if not found:
        return [Check(name, "", "missing", "the results have no such cell")]
    ours = max(found, key=lambda cell: (cell.record.protocol["hash"] == hashed, cell.record.created))
    if (other := ours.record.protocol["hash"]) != hashed:
        fields = ", ".join(fields_apart(hashed, other, [base.store.root, ours.store.root])) or "unknown"
        return [Check(name, "", "incomparable", f"another protocol; these fields differ: {fields}")]
    if ours.record.status != "ok":
        return [Check(name, "", "failed", _last_line(ours.record))]
    made: list[Check | _Open] = []
    for metric in compared(base.record):
        gap = _difference(metric, ours, base)
        if isinstance(gap, Missing):
            made.append(Check(name, metric, "missing", str(gap)))
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
    return difference(metric, [ours], [base])


def _last_line(record: Record) -> str:
    return (record.reason.strip().splitlines() or ["unknown reason"])[-1]


def _judge(one: _Open, floors: Floors, p: float) -> Check:
    gap, least = one.gap, floor_of(one.metric, floors)
    if one.metric == TIME:
        values = [float(np.median(r.cost.relative)) for r in (one.base, one.ours) if r.cost]
        floor = float(np.log1p(least.of(values[0]) / values[0]))
        worse, limit = gap, f"{np.expm1(floor):.1%}"
        said = f"{values[1]:.2f} times its network calls, was {values[0]:.2f}"
    else:
        before, now = (r.metrics[one.metric] for r in (one.base, one.ours))
        values, floor = [before.value, now.value], least.of(before.value)
        worse, limit = gap if before.better == "lower" else _turned(gap), text.margin(floor, before.unit)
        said = _said(before, now, gap)
    failed = worse.low > 0 and worse.value > floor and p < 0.05
    if failed:
        said += f"; worse by more than {limit}"
    status = "regression" if failed else "pass"
    return Check(identity(one.base), one.metric, status, said, values[0], values[1], gap, floor, p)


def _turned(d: Difference) -> Difference:
    return Difference(-d.value, -d.high, -d.low, -d.inner_high, -d.inner_low, d.error, d.p, d.covers)


def _said(before: Figure, now: Figure, gap: Difference) -> str:
    scale, unit = (100, " %") if before.unit == "fraction" else (1, "")
    ends = f"[{gap.low * scale:+.3g}, {gap.high * scale:+.3g}]"
    return f"{now.value * scale:.4g}{unit}, was {before.value * scale:.4g}{unit}: {gap.value * scale:+.3g} {ends}"
