"""Whose place in a table is certain: the best row and the next, where paired differences say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

from .. import statistics
from ..records import Missing
from ..statistics import Difference
from .difference import difference, verdict
from .floors import Floors, floor_of
from .rows import Row
from .tables import Table

PLACES = 2


def leaders(table: Table, floors: Floors) -> dict[str, Sequence[Row]]:
    """By metric of which differences are told: the best row where it is `better` than every other one, then the next
    where it is `better` than all below it; none where that is not shown. Without metrics of which a difference that
    decides is not known.

    The best of many is chosen by its figure, so that all pairs of rows count in Holm's correction, over all metrics of
    the table; those that decide no place are taken for p = 1, as if they were tested last. What might be called
    equivalent, before any correction, has no place.
    """
    if table.stamp:
        return {}
    ordered = {name: rows for name in table.metrics if len(rows := ranked(table, name)) > 1}
    found: dict[tuple[str, Row, Row], Difference] = {}
    untold: set[str] = set()
    for name, rows in ordered.items():
        for place in range(min(PLACES, len(rows) - 1)):
            gaps = _above(name, rows[place], rows[place + 1 :])
            if isinstance(gaps, Missing):
                untold.add(name)
            if not gaps or isinstance(gaps, Missing):
                break
            found |= {(name, rows[place], row): gap for row, gap in gaps.items()}
    pairs = sum(comb(len(rows), 2) for rows in ordered.values())
    better = _better(found, floors, pairs)
    certain: dict[str, Sequence[Row]] = {}
    for name, rows in ordered.items():
        if name in untold:
            continue
        places = 0
        while places < min(PLACES, len(rows) - 1) and all(
            better.get((name, rows[places], row)) for row in rows[places + 1 :]
        ):
            places += 1
        certain[name] = rows[:places]
    return certain


def ranked(table: Table, metric: str) -> list[Row]:
    """The rows that have a metric of which differences are told, the best first."""
    rows = [row for row in table.rows if metric in row.metrics and metric in row.compared]
    higher = any(row.metrics[metric].better == "higher" for row in rows)
    return sorted(rows, key=lambda row: row.metrics[metric].value, reverse=higher)


def _above(metric: str, row: Row, others: Sequence[Row]) -> dict[Row, Difference] | Missing:
    """Its differences from the others; none where one is not clear before any correction, `Missing` where one is not
    known."""
    sign = 1 if row.metrics[metric].better == "higher" else -1
    gaps = {}
    for other in others:
        gap = difference(metric, row.cells, other.cells)
        if isinstance(gap, Missing):
            return gap
        if sign * gap.value <= 0 or gap.low <= 0 <= gap.high or gap.p >= 0.05:
            return {}
        gaps[other] = gap
    return gaps


def _better(
    found: Mapping[tuple[str, Row, Row], Difference], floors: Floors, pairs: int
) -> dict[tuple[str, Row, Row], bool]:
    """Whether the verdict of each difference is `better`, corrected for so many pairs."""
    limits = [floor_of(name, floors).of(base.metrics[name].value) for name, _, base in found]
    differ = statistics.holm([gap.p for gap in found.values()] + [1.0] * (pairs - len(found)))
    alike = [gap.within(limit) for gap, limit in zip(found.values(), limits, strict=True)]
    return {
        (name, row, base): verdict(
            name,
            gap,
            higher_is_better=row.metrics[name].better == "higher",
            floor=limit,
            p=p,
            p_equivalent=p_equivalent,
        ).word
        == "better"
        for ((name, row, base), gap), limit, p, p_equivalent in zip(found.items(), limits, differ, alike, strict=False)
    }
