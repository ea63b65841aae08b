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
    """For "there is no difference", adjusted for all comparisons of the table (Holm)."""
    p_equivalent: float
    """For "it is the floor or more" (two one-sided tests), adjusted likewise."""
    word: str
    """`better`, `worse`, `equivalent` or `inconclusive`."""
    reason: str
    seeds: tuple[int, ...]


def verdict(
    metric: str,
    found: Difference,
    *,
    higher_is_better: bool,
    floor: float,
    p: float,
    p_equivalent: float,
    seeds: Sequence[int] = (),
) -> Verdict:
    """What a difference means; p values are adjusted for the whole table.

    Equivalent: two one-sided tests put it inside the floor (p < 5 %). Else better or worse: the 95 % interval excludes
    zero and p < 5 %. Else inconclusive.
    """
    excludes = found.low > 0 or found.high < 0
    word = "inconclusive"
    if p_equivalent < 0.05:
        word, reason = "equivalent", f"it lies inside the floor of {floor:.3g} (p = {p_equivalent:.2g})"
    elif excludes and p < 0.05:
        word = "better" if (found.value > 0) == higher_is_better else "worse"
        reason = "the 95 % interval excludes zero"
    elif excludes:
        reason = f"the interval excludes zero, but not after correcting for the table (p = {p:.2g})"
    elif found.within(floor) < 0.05:
        reason = f"inside the floor of {floor:.3g}, but not after correcting for the table (p = {p_equivalent:.2g})"
    else:
        reason = f"the 95 % interval holds zero and reaches beyond the floor of {floor:.3g}"
    return Verdict(metric, found, floor, p, p_equivalent, word, reason, tuple(seeds))


def difference(metric: str, ours: Sequence[Stored], base: Sequence[Stored]) -> Difference | Missing:
    """Ours minus the baseline's over the same ids. Cells of one row on each side: one a seed.

    Seeds that both have are paired; where they share none, in their order. Where single images or groups of them are
    not known, three shared seeds or more give a t interval over seeds.
    """
    ours, base = shared_seeds(ours, base)
    if ours[0].record.protocol["hash"] != base[0].record.protocol["hash"]:
        return Missing("different protocols")
    a, b = metrics.samples_of(metric, ours), metrics.samples_of(metric, base)
    if not isinstance(a, Missing) and not isinstance(b, Missing):
        if a[0].ids != b[0].ids:
            return Missing("the evidence is not of the same images")
        return metrics.difference_over_seeds(a, b, ours[0].record.metrics[metric].unit == "fraction")
    values = [{c.record.seed: c.record.metrics[metric].value for c in side} for side in (ours, base)]
    if len(values[0]) > 2 and values[0].keys() == values[1].keys():  # without evidence of images there are the seeds
        return statistics.over_seed_pairs(list(values[0].values()), [values[1][seed] for seed in values[0]])
    return next(side for side in (a, b) if isinstance(side, Missing))


def compared(record: Record) -> list[str]:
    """The metrics of a record of which differences are told."""
    known = {name: metrics.known(name) for name in record.metrics}
    return [name for name, metric in known.items() if metric is None or metric.compared]


def shared_seeds(ours: Sequence[Stored], base: Sequence[Stored]) -> tuple[list[Stored], list[Stored]]:
    """The cells of the seeds that both sides have, as many of each; one of a side that needs no seed."""
    mine, theirs = (list(side)[:1] if seedless(side[0].record) else list(side) for side in (ours, base))
    if seedless(ours[0].record) or seedless(base[0].record):
        return mine, theirs
    if both := {cell.record.seed for cell in mine} & {cell.record.seed for cell in theirs}:
        mine, theirs = ([cell for cell in side if cell.record.seed in both] for side in (mine, theirs))
    elif (least := min(len(mine), len(theirs))) > 1:
        mine, theirs = mine[:least], theirs[:least]
    return mine, theirs


def seedless(record: Record) -> bool:
    """Whether the cell comes out the same for every seed: without steps and solver, or a network, nothing is drawn."""
    return record.solver is None and (record.steps is None or record.nfe is None)
