"""The regression gate: results against a baseline, cell by cell, with an exit code for continuous integration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...symmflow.errors import InputError
from .. import statistics
from ..metrics.sample import Stored, family
from ..protocols.protocol import DEFAULT, fields_apart
from ..records.record import Metric, Record
from ..statistics import Difference
from .difference import Floor, difference

PASS, REGRESSION, UNMEASURED, INCOMPARABLE = 0, 1, 2, 3
"""Exit codes."""
TIME = "relative_time"
"""Time over that of the network calls alone, measured in the same run: seconds of another machine mean nothing."""


@dataclass(frozen=True)
class Check:
    """One metric of one cell, or a cell that could not be compared."""

    cell: str
    metric: str
    status: str
    """`pass`, `regression`, `missing`, `failed`, `incomparable`, or what decides nothing: `unjudged`, `extra`."""
    said: str
    baseline: float | None = None
    value: float | None = None
    difference: Difference | None = None
    floor: float | None = None
    p: float | None = None


@dataclass(frozen=True)
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


def gate(
    baseline: Sequence[Stored],
    results: Sequence[Stored],
    floors: Mapping[str, Floor],
    protocols: Sequence[Path] = (),
) -> Report:
    """Compare every cell of the baseline with the one of the same name in the results.

    A metric fails only if its interval, paired by image, lies wholly on the worse side, its p value is below 5 % after
    correction for all checks (Holm), and the difference exceeds the metric's floor. Of several cells of one name those
    of the baseline's protocol come first, then the newest.
    """
    if not baseline:
        raise InputError("the baseline holds no cell; save one from results that are whole.")
    refuse_namesakes(baseline)
    theirs: dict[str, list[Stored]] = {}
    for stored in results:
        theirs.setdefault(identity(stored[0]), []).append(stored)
    checks: list[Check] = []
    open_checks: list[tuple[Stored, Stored, str, Difference]] = []
    for base in baseline:
        name, hashed = identity(base[0]), base[0].protocol["hash"]
        found = theirs.get(name, [])
        if base[0].status != "ok":
            checks.append(Check(name, "", "failed", f"already in the baseline: {_last_line(base[0])}"))
            continue
        if not found:
            checks.append(Check(name, "", "missing", "the results have no such cell"))
            continue
        ours = max(found, key=lambda s: (s[0].protocol["hash"] == hashed, s[0].created))
        if ours[0].protocol["hash"] != hashed:
            fields = ", ".join(fields_apart(hashed, ours[0].protocol["hash"], protocols)) or "unknown"
            checks.append(Check(name, "", "incomparable", f"another protocol; these fields differ: {fields}"))
        elif ours[0].status != "ok":
            checks.append(Check(name, "", "failed", _last_line(ours[0])))
        else:
            for metric in base[0].metrics:
                if metric.endswith("_real"):
                    continue
                gap = _difference(metric, ours, base)
                if isinstance(gap, str):
                    checks.append(Check(name, metric, "missing", gap))
                else:
                    open_checks.append((base, ours, metric, gap))
            time = slower(base[0], ours[0])
            if isinstance(time, Difference):
                open_checks.append((base, ours, TIME, time))
            elif time:
                checks.append(Check(name, TIME, "unjudged", time))
    adjusted = statistics.holm([gap.p for *_, gap in open_checks])
    checks += [_judge(*one, floors, p) for one, p in zip(open_checks, adjusted, strict=True)]
    if not checks:
        raise InputError("the baseline holds no figure; save one from results that are whole.")
    known = {identity(record) for record, _ in baseline}
    checks += [Check(name, "", "extra", "the baseline has no such cell") for name in sorted(theirs.keys() - known)]
    order = ["regression", "incomparable", "failed", "missing", "unjudged", "extra", "pass"]
    return Report(tuple(sorted(checks, key=lambda c: order.index(c.status))))


def refuse_namesakes(baseline: Sequence[Stored]) -> None:
    """A baseline must not hold two checkpoints under one name: a gate could not tell which one is meant."""
    seen: dict[tuple[str, str], Record] = {}
    for record, _ in baseline:
        other = seen.setdefault((identity(record), record.protocol["hash"]), record)
        if other is not record:
            raise InputError(
                f"the baseline holds '{identity(record)}' twice, of checkpoints {other.checkpoint.fingerprint[:6]} and "
                f"{record.checkpoint.fingerprint[:6]}; save it from a folder that has one of them."
            )


def _difference(metric: str, ours: Stored, base: Stored) -> Difference | str:
    if metric not in ours[0].metrics:
        why = ours[0].absent.get(metric) or ours[0].absent.get(family(metric)) or "the record does not say why"
        return f"not measured this time: {why}"
    return difference(metric, [ours], [base])


def _last_line(record: Record) -> str:
    return (record.reason.strip().splitlines() or ["unknown reason"])[-1]


def identity(record: Record) -> str:
    """What a cell is called, whatever its weights: `digits/cls symmflow steps=25 seed=0`."""
    parts = [f"{record.dataset}/{record.task}", record.method]
    if (rules := record.protocol.get("rules", DEFAULT)) != DEFAULT:
        parts.append(rules)
    if record.split != "test":
        parts.append(record.split)
    if record.steps is not None:
        parts.append(f"steps={record.steps}")
    if record.solver not in (None, "euler"):
        parts.append(str(record.solver))
    parts += [f"{name}={json.dumps(value)}" for name, value in record.options.items() if value is not None]
    if record.precision != "fp32":
        parts.append(record.precision)
    if record.samples_per_mask > 1:
        parts.append(f"samples={record.samples_per_mask}")
    return " ".join([*parts, f"seed={record.seed}"])


def slower(base: Record, ours: Record) -> Difference | str:
    """Difference of the logarithm of the relative time, by Welch's t; else why not, empty if the baseline has none."""
    if not base.cost or len(base.cost.relative) < 3:
        return ""
    if not ours.cost or len(ours.cost.relative) < 3:
        return "fewer than three batches were timed"
    for what, was, is_ in (
        ("device", base.cost.device.split(":")[0], ours.cost.device.split(":")[0]),
        ("batch size", base.cost.batch_size, ours.cost.batch_size),
    ):
        if was != is_:
            return f"another {what}: {is_}, was {was}"
    return statistics.welch(np.log(ours.cost.relative).tolist(), np.log(base.cost.relative).tolist())


def _judge(base: Stored, ours: Stored, metric: str, gap: Difference, floors: Mapping[str, Floor], p: float) -> Check:
    name = identity(base[0])
    if metric == TIME:
        values = [float(np.median(r.cost.relative)) for r in (base[0], ours[0]) if r.cost]
        floor = float(np.log1p(floors[TIME].of(values[0]) / values[0])) if TIME in floors else 0.0
        worse = gap
        said, limit = f"{values[1]:.2f} times its network calls, was {values[0]:.2f}", f"{np.expm1(floor):.1%}"
    else:
        before, now = base[0].metrics[metric], ours[0].metrics[metric]
        values, floor = [before.value, now.value], floors.get(family(metric), Floor(absolute=0.0)).of(before.value)
        worse = gap if before.better == "lower" else _turned(gap)
        said = _said(before, now, gap)
        limit = f"{floor * 100:.3g} points" if before.unit == "fraction" else f"{floor:.3g}"
    failed = worse.low > 0 and worse.value > floor and p < 0.05
    if failed:
        said += f"; worse by more than {limit}"
    return Check(name, metric, "regression" if failed else "pass", said, values[0], values[1], gap, floor, p)


def _turned(d: Difference) -> Difference:
    return Difference(-d.value, -d.high, -d.low, -d.inner_high, -d.inner_low, d.error, d.p, d.covers)


def _said(before: Metric, now: Metric, gap: Difference) -> str:
    scale, unit = (100, " %") if before.unit == "fraction" else (1, "")
    ends = f"[{gap.low * scale:+.3g}, {gap.high * scale:+.3g}]"
    return f"{now.value * scale:.4g}{unit}, was {before.value * scale:.4g}{unit}: {gap.value * scale:+.3g} {ends}"
