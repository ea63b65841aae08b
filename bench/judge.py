"""Every row of a table against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..symmflow.errors import InputError, unknown
from . import statistics
from .compare import Row, Table
from .difference import Floor, Verdict, difference, shared_seeds, verdict
from .samples import Stored, family


@dataclass
class Judged:
    """A table's rows against its baseline."""

    table: Table
    verdicts: list[tuple[Row, Row, list[Verdict]]] = field(default_factory=list)
    """(row, its baseline, a verdict a metric)."""
    remarks: list[str] = field(default_factory=list)
    """What could not be compared, and why."""


def judge(
    tables: Sequence[Table], stored: Sequence[Stored], baseline: str, floors: Mapping[str, Floor]
) -> list[Judged]:
    """Compare with the rows of a method (`semflow`: at equal steps) or with one row (`symmflow@1`).

    p values are adjusted for all comparisons of a table (Holm).
    """
    name, at, text = baseline.rpartition("@") if "@" in baseline else (baseline, "", "")
    if at and not text.isdigit():
        raise InputError(f"--baseline {baseline!r}: {text!r} is no step count; write it like symmflow@1.")
    steps = int(text) if at else None
    present = {row.method for table in tables for row in table.rows}
    if name not in present:
        raise unknown("baseline", name, present)
    by_key = {record.key: (record, folder) for record, folder in stored}
    judged = []
    for table in tables:
        bases = [r for r in table.rows if r.method == name and (steps is None or r.steps == steps)]
        found = Judged(table)
        pairs = []
        for row in table.rows:
            if base := _base(table, row, bases, chosen=steps is not None):
                pairs.append((row, base))
            elif row not in bases and bases:
                found.remarks.append(f"{row.method} at {row.steps or 'no'} steps has no {name} to be compared with")
        if not pairs:
            continue
        made = [(row, base, _differences(row, base, by_key, found.remarks)) for row, base in pairs]
        adjusted = iter(statistics.holm([d.p for _, _, metrics in made for d, _ in metrics.values()]))
        for row, base, metrics in made:
            verdicts = []
            for metric, (d, seeds) in metrics.items():
                floor = floors.get(family(metric), Floor(absolute=0.0)).of(base.metrics[metric].value)
                higher = row.metrics[metric].better == "higher"
                p = next(adjusted)
                verdicts.append(verdict(metric, d, higher_is_better=higher, floor=floor, p=p, seeds=seeds))
            found.verdicts.append((row, base, verdicts))
        judged.append(found)
    if not judged:
        raise InputError(f"no row stands beside {baseline} in a table; run other methods or step counts.")
    return judged


def _base(table: Table, row: Row, bases: Sequence[Row], *, chosen: bool) -> Row | None:
    """The baseline of a row: the chosen one, the one without steps, or the one at as many steps."""
    if row in bases:
        return None
    fitting = [b for b in bases if b.protocol == row.protocol and (chosen or b.steps in (None, row.steps))]
    alike = [b for b in fitting if (b.solver, b.options, b.precision) == (row.solver, row.options, row.precision)]
    found = alike or fitting
    if len(found) > 1:
        each = ", ".join(f"{b.recipe} {b.fingerprint} {b.solver or ''} {b.precision}" for b in found)
        raise InputError(f"{table.title} has {len(found)} rows that could be the baseline: {each}; drop all but one.")
    return found[0] if found else None


def _differences(
    row: Row, base: Row, by_key: Mapping[str, Stored], remarks: list[str]
) -> dict[str, tuple[statistics.Difference, tuple[int, ...]]]:
    made = {}
    ours, theirs = shared_seeds([by_key[k] for k in row.keys], [by_key[k] for k in base.keys])
    for metric in row.metrics:
        if metric not in base.metrics or metric.endswith("_real"):
            continue
        found = difference(metric, ours, theirs)
        if isinstance(found, str):
            remarks.append(f"{metric} of {row.method} and {base.method}: {found}")
        else:
            made[metric] = found, tuple(r.seed for r, _ in ours)
    return made
