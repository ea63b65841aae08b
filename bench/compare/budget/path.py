"""The way from one cell to another, over cells that each have some things from the one and the rest from the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ....symmflow.errors import InputError
from ...records import Stored
from .changes import CODE, Change, changes

State = frozenset[str]
"""Names of what a cell has from the far end already; all else it has from the near one."""


def states(metric: str, a: Stored, b: Stored, cells: Sequence[Stored]) -> tuple[dict[State, Stored], list[str]]:
    """The cells on the ways from `a` to `b`, the newest of each state, both ends among them; and what is left out."""
    apart = changes(metric, a, b)
    found: dict[State, Stored] = {}
    unread, other = list[str](), list[State]()
    for cell in sorted(cells, key=lambda one: one.record.created):
        if metric_of(metric, cell) is None or cell.record.task != a.record.task:
            continue
        try:
            gone, left = changes(metric, a, cell), changes(metric, cell, b)
        except InputError as error:
            unread.append(str(error).rstrip("."))
            continue
        neither = gone.keys() & left.keys()
        if gone.keys() | left.keys() != apart.keys() | neither:
            continue
        if not neither:
            found[frozenset(gone)] = cell
        elif neither <= CODE:
            other.append(frozenset(gone.keys() - neither))
    found |= {frozenset(): a, frozenset(apart): b}
    said = [f"Left out, {len(unread)} in all: {unread[0]}."] if unread else []
    if missed := [state for state in other if state not in found]:
        said.append(f"Left out, {len(missed)} in all: cells on the way whose code is that of neither end.")
    return found, said


def path(found: Mapping[State, Stored], apart: Mapping[str, Change]) -> list[State]:
    """From nothing to everything: of all ways that with the most steps, so that the fewest things change at once.

    Of several, what stands first in `apart` changes first.
    """
    order = list(apart)
    best: dict[State, list[State]] = {frozenset(): [frozenset()]}
    for state in sorted(found, key=lambda one: (len(one), sorted(map(order.index, one)))):
        ways = [way for end, way in best.items() if end < state]
        if ways:
            best[state] = [*max(ways, key=lambda way: _worth(way, state, order)), state]
    return best[frozenset(order)]


def _worth(way: Sequence[State], state: State, order: Sequence[str]) -> tuple[int, list[list[int]]]:
    steps = list(pairwise([*way, state]))
    return len(steps), [[-order.index(name) for name in order if name in after - before] for before, after in steps]


def isolating(found: Mapping[State, Stored], name: str, near: State) -> tuple[Stored, Stored] | None:
    """Two cells that differ in one thing alone, wherever on other ways they lie: those nearest to a state."""
    pairs = [(len(state ^ near), state) for state in found if name not in state and state | {name} in found]
    if not pairs:
        return None
    state = min(pairs, key=lambda pair: (pair[0], sorted(pair[1])))[1]
    return found[state], found[state | {name}]


def metric_of(metric: str, cell: Stored) -> str | None:
    """What a cell calls a metric: its own name, or that by another judge."""
    from ...metrics import family

    if metric in cell.record.metrics:
        return metric
    return next((name for name in cell.record.metrics if family(name) == family(metric)), None)
