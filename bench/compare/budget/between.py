"""How far two figures lie apart, with the interval that their images allow."""

from __future__ import annotations

from ... import metrics, statistics
from ...metrics import Groups
from ...protocols import Protocol, read_protocol
from ...records import Missing, Stored
from ...statistics import Difference

SAME = "paired by image"
OVERLAPPING = "images of both drawn once"
APART = "as of independent images: wide where they share some"


def between(names: tuple[str, str], a: Stored, b: Stored) -> tuple[Difference, str] | Missing:
    """The figure of `b` less that of `a`, and how its interval was made; or why there is none.

    `names`: of the metric at either end, where a judge is part of them. Images that both have are paired; where one
    has more, those of both are drawn once for both. Distances of sets are known by groups, which other ids deal
    otherwise: there the two count as independent, which makes no interval too narrow. The same images are paired where
    other classes count, too.
    """
    first, second = (metrics.sample_of(name, cell) for name, cell in zip(names, (a, b), strict=True))
    for found in (first, second):
        if isinstance(found, Missing):
            return found
    assert not isinstance(first, Missing) and not isinstance(second, Missing)
    share = metrics.metric(names[0]).share
    same = _images(a) == _images(b) and first.ids == second.ids
    if same and not isinstance(gap := second.minus(first, share), Missing):
        return gap, SAME
    errors = first.error, second.error
    if errors[0] is None or errors[1] is None:
        return Missing(statistics.FEW)
    if isinstance(first, Groups) or isinstance(second, Groups):
        freedom = min(_freedom(one) for one in (first, second) if isinstance(one, Groups))
        return statistics.independent(second.value - first.value, (errors[0], errors[1]), freedom), APART
    return statistics.overlapping_bootstrap(second.at, first.at, second.ids, first.ids), SAME if same else OVERLAPPING


def _freedom(groups: Groups) -> float:
    return statistics.jackknife_freedom(groups.without.tolist(), groups.second.tolist())


def _images(cell: Stored) -> tuple[str, ...]:
    """What says which images they are."""
    protocol: Protocol | None = read_protocol(cell.record.protocol["hash"], [cell.store.root])
    if protocol is None:
        return (cell.record.protocol["hash"],)
    return protocol.split, protocol.ids_sha256, protocol.content_sha256
