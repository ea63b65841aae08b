"""Every row of a table against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...symmflow.errors import InputError, unknown
from .. import statistics
from ..metrics.sample import Stored, family
from .difference import Floor, Verdict, difference, shared_seeds, verdict
from .rows import Row, Table


@dataclass
class Judged:
    """A table's rows against its baseline."""

    table: Table
    verdicts: list[tuple[Row, Row, list[Verdict]]] = field(default_factory=list)
    """(row, its baseline, a verdict a metric)."""
    remarks: list[str] = field(default_factory=list)
    """What could not be compared, and why."""


@dataclass(frozen=True)
class Chosen:
    """What `--baseline` names: `semflow`, `symmflow@1`, `symmflow@5,heun`, `symmflow,a1b2c3`, `symmflow,seed=0`."""

    method: str
    steps: int | None
    words: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Chosen:
        first, *words = text.split(",")
        name, at, steps = first.partition("@")
        if at and not steps.isdigit():
            raise InputError(f"--baseline {text!r}: {steps!r} is no step count; write it like symmflow@1.")
        return cls(name, int(steps) if at else None, tuple(words))

    def __call__(self, row: Row) -> bool:
        return (
            row.method == self.method
            and self.steps in (None, row.steps)
            and all(word in described(row) or self._is_checkpoint(word, row) for word in self.words)
        )

    @staticmethod
    def _is_checkpoint(word: str, row: Row) -> bool:
        """A fingerprint may be given whole, as the table shows it, or by four digits or more."""
        return len(word) >= 4 and row.fingerprint.startswith(word[: len(row.fingerprint)])


def described(row: Row) -> list[str]:
    """Words that tell a row from others of its method: solver, precision, recipe, checkpoint, options, seeds."""
    options = [f"{name}={value}" for name, value in row.options.items()]
    seeds = [f"seed={row.seeds[0]}"] if len(row.seeds) == 1 else []
    return [row.solver or "none", row.precision, row.recipe, row.fingerprint, *options, *seeds]


def judge(
    tables: Sequence[Table], stored: Sequence[Stored], baseline: str, floors: Mapping[str, Floor]
) -> list[Judged]:
    """Compare with the rows of a method (`semflow`: at equal steps) or with one row (`symmflow@1`).

    Words after commas choose among rows of one method (`described`): `symmflow@5,heun` is then the baseline of
    `symmflow` with another solver too. p values are adjusted for all comparisons of a table (Holm).
    """
    chosen = Chosen.read(baseline)
    everything = [row for table in tables for row in table.rows]
    if chosen.method not in (present := {row.method for row in everything}):
        raise unknown("baseline", chosen.method, present)
    if not any(map(chosen, everything)):
        rows = [f"@{r.steps} {' '.join(described(r))}" for r in everything if r.method == chosen.method]
        raise InputError(f"no row is --baseline {baseline!r}; of {chosen.method} there are: {'; '.join(rows)}.")
    by_key = {record.key: (record, folder) for record, folder in stored}
    judged = []
    for table in tables:
        bases = [row for row in table.rows if chosen(row)]
        found = Judged(table)
        pairs = []
        for row in table.rows:
            if base := _base(table, row, bases, chosen):
                pairs.append((row, base))
            elif row not in bases and bases:
                found.remarks.append(
                    f"{row.method} at {row.steps or 'no'} steps has no {chosen.method} to be compared with"
                )
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
        raise InputError(
            f"no row stands beside {baseline} in a table; run other methods or step counts, or choose one row of "
            "several by its solver, precision, recipe, checkpoint or seed (--by-seed): symmflow@5,heun."
        )
    return judged


def _base(table: Table, row: Row, bases: Sequence[Row], chosen: Chosen) -> Row | None:
    """The baseline of a row: the chosen one, the one without steps, or the one at as many steps."""
    if row in bases:
        return None
    fitting = [
        b for b in bases if b.protocol == row.protocol and (chosen.steps is not None or b.steps in (None, row.steps))
    ]
    alike = [b for b in fitting if (b.solver, b.options, b.precision) == (row.solver, row.options, row.precision)]
    found = alike or fitting
    if len(found) > 1:
        each = "; ".join(" ".join(described(b)) for b in found)
        raise InputError(
            f"{table.title} has {len(found)} rows that could be the baseline ({each}); choose one by a word of it: "
            f"--baseline {chosen.method}{'' if chosen.steps is None else f'@{chosen.steps}'},{found[0].fingerprint}."
        )
    return found[0] if found else None


def _differences(
    row: Row, base: Row, by_key: Mapping[str, Stored], remarks: list[str]
) -> dict[str, tuple[statistics.Difference, tuple[int, ...]]]:
    made = {}
    ours, theirs = shared_seeds([by_key[k] for k in row.keys], [by_key[k] for k in base.keys])
    if len(ours) < len(row.keys) or len(theirs) < len(base.keys):
        shared = ", ".join(str(r.seed) for r, _ in ours)
        remarks.append(
            f"{row.method} at {row.steps or 'no'} steps and {base.method}: over the seeds that both have ({shared})"
        )
    for metric in row.metrics:
        if metric not in base.metrics or metric.endswith("_real"):
            continue
        found = difference(metric, ours, theirs)
        if isinstance(found, str):
            remarks.append(f"{metric} of {row.method} and {base.method}: {found}")
        else:
            made[metric] = found, tuple(r.seed for r, _ in ours)
    return made
