"""Every row of a table against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from ...reports.block import Block
from ...symmflow.errors import InputError, unknown
from .. import statistics
from ..records import Missing
from ..statistics import Difference
from . import text
from .difference import Verdict, difference, seedless, shared_seeds, verdict
from .floors import Floors, floor_of
from .naming import choices, fingerprint
from .rows import Row
from .tables import Table


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
        said = [word.replace('"', "") for word in _words(row)]  # a shell takes quotes away
        return (
            row.method == self.method
            and self.steps in (None, row.steps)
            and all(word.replace('"', "") in said or self._is_checkpoint(word, row) for word in self.words)
        )

    @staticmethod
    def _is_checkpoint(word: str, row: Row) -> bool:
        """A fingerprint may be given whole, as the table shows it, or by four digits or more."""
        shown = fingerprint(row.record)
        return len(word) >= 4 and shown.startswith(word[: len(shown)])


def judge(tables: Sequence[Table], baseline: str, floors: Floors) -> list[Judged]:
    """Compare with the rows of a method (`semflow`: at equal steps) or with one row (`symmflow@1`).

    Words after commas choose among rows of one method: `symmflow@5,heun` is then the baseline of `symmflow` with
    another solver too. p values are adjusted for all comparisons of a table (Holm): those of differences, and those of
    equivalences, each family by itself.
    """
    chosen = Chosen.read(baseline)
    everything = [row for table in tables for row in table.rows]
    if chosen.method not in (present := {row.method for row in everything}):
        raise unknown("baseline", chosen.method, present)
    if not any(map(chosen, everything)):
        rows = [f"{_at(r.steps)} {' '.join(_words(r))}".strip() for r in everything if r.method == chosen.method]
        raise InputError(f"no row is --baseline {baseline!r}; of {chosen.method} there are: {'; '.join(rows)}.")
    judged = []
    for table in tables:
        bases = [row for row in table.rows if chosen(row)]
        found = Judged(table)
        pairs = []
        for row in table.rows:
            if base := _base(table, row, bases, chosen):
                pairs.append((row, base))
            elif row not in bases and bases:
                found.remarks.append(f"{row.at} has no {chosen.method} to be compared with")
        if not pairs:
            continue
        made = [(row, base, _differences(row, base, found.remarks)) for row, base in pairs]
        found.verdicts = _verdicts(made, floors)
        judged.append(found)
    if not judged:
        raise InputError(
            f"no row stands beside {baseline} in a table; run other methods or step counts, or choose one row of "
            "several by its solver, precision, recipe, checkpoint or seed (--by-seed): symmflow@5,heun."
        )
    return judged


def against(table: Table, base: Row, floors: Floors) -> Judged:
    """Every row of a table against one of them, as `--baseline` of its name has it (`called`)."""
    found = Judged(table)
    rows = [row for row in table.rows if row is not base and row.protocol == base.protocol]
    found.verdicts = _verdicts([(row, base, _differences(row, base, found.remarks)) for row in rows], floors)
    return found


def called(tables: Sequence[Table], base: Row) -> str:
    """What `--baseline` calls a row of some tables: `unet`, `symmflow@1`, `symmflow@5,heun`."""
    name = f"{base.method}{_at(base.steps)}"
    everything = [row for table in tables for row in table.rows if row.method == base.method]
    alike = [row for row in everything if base.steps in (None, row.steps)]
    said: list[str] = []
    for word in (word.replace('"', "") for word in _words(base)):
        fewer = [row for row in alike if Chosen(base.method, base.steps, (word,))(row)]
        if len(fewer) < len(alike):
            said.append(word)
            alike = fewer
    return ",".join([name, *said])


Gaps = dict[str, tuple[Difference, tuple[int, ...]]]
"""Differences by metric, and over which seeds."""


def _verdicts(made: Sequence[tuple[Row, Row, Gaps]], floors: Floors) -> list[tuple[Row, Row, list[Verdict]]]:
    """What the differences of a table mean."""
    own = {metric: floor_of(metric, floors) for metric in {m for _, _, gaps in made for m in gaps}}
    limits = [own[metric].of(base.metrics[metric].value) for _, base, gaps in made for metric in gaps]
    gaps_of_all = [gap for _, _, gaps in made for gap, _ in gaps.values()]
    differ = statistics.holm([gap.p for gap in gaps_of_all])
    alike = statistics.holm([gap.within(limit) for gap, limit in zip(gaps_of_all, limits, strict=True)])
    known = iter(zip(limits, differ, alike, strict=True))
    judged = []
    for row, base, gaps in made:
        verdicts = []
        for metric, (gap, seeds) in gaps.items():
            floor, p, p_equivalent = next(known)
            higher = row.metrics[metric].better == "higher"
            verdicts.append(
                verdict(metric, gap, higher_is_better=higher, floor=floor, p=p, p_equivalent=p_equivalent, seeds=seeds)
            )
        judged.append((row, base, verdicts))
    return judged


def _at(steps: int | None) -> str:
    return "" if steps is None else f"@{steps}"


def _words(row: Row) -> list[str]:
    return choices([cell.record for cell in row.cells])


def _base(table: Table, row: Row, bases: Sequence[Row], chosen: Chosen) -> Row | None:
    """The baseline of a row: the chosen one, the one without steps, or the one at as many steps."""
    if row in bases:
        return None
    fitting = [
        b for b in bases if b.protocol == row.protocol and (chosen.steps is not None or b.steps in (None, row.steps))
    ]
    ours = row.record
    found = [
        b
        for b in fitting
        if (b.record.solver, b.record.options, b.record.precision) == (ours.solver, ours.options, ours.precision)
    ] or fitting
    if len(found) > 1:
        each = "; ".join(" ".join(_words(b)) for b in found)
        raise InputError(
            f"{table.title} has {len(found)} rows that could be the baseline ({each}); choose one by a word of it: "
            f"--baseline {chosen.method}{_at(chosen.steps)},{fingerprint(found[0].record)}."
        )
    return found[0] if found else None


def _differences(row: Row, base: Row, remarks: list[str]) -> Gaps:
    made: Gaps = {}
    ours, theirs = shared_seeds(row.cells, base.cells)
    seeds = tuple(cell.record.seed for cell in max(ours, theirs, key=len))
    if any(len(some) < len(r.cells) and not seedless(r.record) for some, r in ((ours, row), (theirs, base))):
        remarks.append(f"{row.at} and {base.at}: over the seeds that can be paired ({', '.join(map(str, seeds))})")
    for metric in row.compared:
        if metric in base.metrics:
            found = difference(metric, ours, theirs)
            if isinstance(found, Missing):
                remarks.append(f"{metric} of {row.at} and {base.at}: {found}")
            else:
                made[metric] = found, seeds
    return made


def block(judged: Judged) -> Block:
    """The verdicts of a table against its baseline."""
    rows, data = [], []
    for row, base, verdicts in judged.verdicts:
        for v in verdicts:
            unit = row.metrics[v.metric].unit
            low, value, high = (
                text.fine(x, unit, "+") for x in (v.difference.low, v.difference.value, v.difference.high)
            )
            steps = "–" if row.steps is None else str(row.steps)
            rows.append([row.name, steps, base.at, v.metric, f"{value} [{low}, {high}]", text.probability(v.p), v.word])
            data.append(
                {
                    "protocol": judged.table.protocol,
                    "method": row.method,
                    "steps": row.steps,
                    "baseline": {"method": base.method, "steps": base.steps},
                    **asdict(v),
                }
            )
    covers = dict.fromkeys(v.difference.covers for _, _, verdicts in judged.verdicts for v in verdicts)
    words = [
        f"the 95 % intervals cover {' / '.join(covers)}, paired where both were measured on the same.",
        "equivalent: two one-sided tests put it inside the metric's floor (--floors), p < 0.05 after Holm's "
        "correction for the table.",
    ]
    return Block(
        "verdicts",
        f"{judged.table.heading}, against the baseline",
        ["method", "steps", "against", "metric", "difference", "p (Holm)", "verdict"],
        rows,
        data,
        [
            *[f"{r}." for r in dict.fromkeys(judged.remarks)],
            *(words if rows else ()),
        ],
        left=(0, 2, 3, 6),
    )
