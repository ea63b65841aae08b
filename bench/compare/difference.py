"""Is one better than the other? Differences of two rows, paired by sample id, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import metrics, statistics
from ..records import Missing, Record, Stored
from ..statistics import Difference


@dataclass(frozen=True)
class Verdict:
    """A difference of one metric and what it means."""

    metric: str
    difference: Difference
    """Ours minus the baseline's, in the units of the metric."""
    floor: float
    """Differences smaller than this do not matter."""
    p: float
    """Adjusted for all comparisons of the table (Holm)."""
    word: str
    """`better`, `worse`, `equivalent` or `inconclusive`."""
    reason: str
    seeds: tuple[int, ...]


def verdict(
    metric: str, found: Difference, *, higher_is_better: bool, floor: float, p: float, seeds: Sequence[int] = ()
) -> Verdict:
    """What a difference means.

    Equivalent: the 90 % interval lies inside the floor (two one-sided tests at 5 %). Else better or worse: the 95 %
    interval excludes zero and the p value, adjusted for the whole table, is below 5 %. Else inconclusive.
    """
    shown = f"[{found.low:+.4g}, {found.high:+.4g}]"
    excludes = found.low > 0 or found.high < 0
    word = "inconclusive"
    if found.within(floor):
        word, reason = "equivalent", f"the 90 % interval lies inside the floor of {floor:.3g}"
    elif excludes and p < 0.05:
        word = "better" if (found.value > 0) == higher_is_better else "worse"
        reason = f"the 95 % interval {shown} excludes zero"
    elif excludes:
        reason = f"the interval excludes zero, but not after correcting for the table (p = {p:.2g})"
    else:
        reason = f"the 95 % interval {shown} holds zero and reaches beyond the floor of {floor:.3g}"
    return Verdict(metric, found, floor, p, word, reason, tuple(seeds))


def difference(metric: str, ours: Sequence[Stored], base: Sequence[Stored]) -> Difference | Missing:
    """Ours minus the baseline's over the same ids. Cells of one row on each side: one a seed.

    Seeds that both have are paired; where they share none, all seeds of each side are averaged. Where single images
    or groups of them are not known, three shared seeds or more give a t interval over seeds.
    """
    ours, base = shared_seeds(ours, base)
    if ours[0].record.protocol["hash"] != base[0].record.protocol["hash"]:
        return Missing("different protocols")
    a, b = metrics.sample_of(metric, ours), metrics.sample_of(metric, base)
    if not isinstance(a, Missing) and not isinstance(b, Missing):
        return a.minus(b) if a.ids == b.ids else Missing("the evidence is not of the same images")
    values = [{c.record.seed: c.record.metrics[metric].value for c in side} for side in (ours, base)]
    if len(values[0]) > 2 and values[0].keys() == values[1].keys():  # without evidence of images there are the seeds
        return statistics.over_seed_pairs(list(values[0].values()), [values[1][seed] for seed in values[0]])
    return next(side for side in (a, b) if isinstance(side, Missing))


def compared(record: Record) -> list[str]:
    """The metrics of a record of which differences are told."""
    known = {name: metrics.known(name) for name in record.metrics}
    return [name for name, metric in known.items() if metric is None or metric.compared]


def shared_seeds(ours: Sequence[Stored], base: Sequence[Stored]) -> tuple[list[Stored], list[Stored]]:
    """The cells of the seeds that both sides have; all where there is none, or where one side needs no seed."""
    both = {cell.record.seed for cell in ours} & {cell.record.seed for cell in base}
    once = any(cell.record.steps is None and cell.record.solver is None for cell in (*ours, *base))
    if not both or once:  # without steps it is the same for every seed
        return list(ours), list(base)
    mine, theirs = ([cell for cell in side if cell.record.seed in both] for side in (ours, base))
    return mine, theirs
