"""The gap to a paper's figure: what cells at hand measure on the way to the paper's own cell, and what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....reports import papers
from ....reports.published import Published, of
from ....symmflow.errors import InputError
from ...protocols import DEFAULT, read_protocol
from ...records import Stored
from ..departures import base, departures
from ..papers.wanted import protocol_of
from .budget import Budget, Part, budget
from .path import metric_of

UNTOLD = "whatever else the paper did otherwise"


def to_published(cell: Stored, cells: Sequence[Stored], metric: str | None, *, backwards: bool = False) -> Budget:
    """From a cell to the paper's figure of its task, data, method and steps; `backwards`: from the paper's to it.

    Over the cell that departs least from the paper's own; from there on nothing can be measured here, and what is known
    to differ is listed.
    """
    p, name = _figure(cell, metric)
    near = min([cell, *_alike(cell, cells, name)], key=lambda one: (*_far(one, p), one is not cell))
    way = budget(near, cell, cells, name) if backwards else budget(cell, near, cells, name)
    sign = -1 if backwards else 1
    paper = f"{p.source}, table {p.table}", p.value
    said = (*_departs(near, p), *([f"the paper's caveat: {p.note}"] if p.note else []), UNTOLD)
    values = [sign * (p.value - one.record.metrics[name].value) for one in (near, cell)]
    last = Part(("the paper",), said, values[0], "unexplained", how="a paper's figure has no images here")
    whole = replace(last, value=values[1], names=())
    if backwards:
        return replace(way, near=paper, whole=whole, parts=(last, *way.parts))
    return replace(way, far=paper, whole=whole, parts=(*way.parts, last))


def _figure(cell: Stored, metric: str | None) -> tuple[Published, str]:
    r = cell.record
    near = [p for p in of(r.task, r.dataset) if base(p.method) == base(r.method) and p.metric in r.metrics]
    if metric is not None:
        near = [p for p in near if p.metric == metric]
    same = [p for p in near if p.steps == r.steps and (not p.solver or p.solver == r.solver)]
    if not same:
        steps = ", ".join(map(str, sorted({p.steps for p in near})))
        there = f"; papers have it at {steps} steps" if near else ""
        raise InputError(
            f"no paper has a figure of {r.method} for {r.task} on {r.dataset} at {r.steps} steps{there}; "
            "`bench compare --against published` shows what they have."
        )
    return next((p for p in same if p.method == r.method), same[0]), same[0].metric


def _alike(cell: Stored, cells: Sequence[Stored], metric: str) -> list[Stored]:
    """Cells of the same method, task, data set, steps and solver that have the metric, and their protocol at hand."""

    def place(one: Stored) -> tuple[object, ...]:
        r = one.record
        return r.task, r.dataset, base(r.method), r.steps, r.solver

    found = [one for one in cells if place(one) == place(cell) and metric_of(metric, one) == metric]
    return [one for one in found if read_protocol(one.record.protocol["hash"], [one.store.root])]


def _far(cell: Stored, p: Published) -> tuple[bool, int]:
    """How far a cell is from the paper's own: under other rules than the paper's first, then in how much it departs."""
    return not _is_papers(cell, p), len(_departs(cell, p))


def _rules_of(p: Published) -> str | None:
    """The protocol that stands for a paper's in its table; None where no table has the figure."""
    tables = (papers.paper(name) for name in papers.names())
    return next((protocol_of(table, p) for table in tables if p in table.figures), None)


def _is_papers(cell: Stored, p: Published) -> bool:
    """Whether it was measured under the protocol that stands for the paper's; every one does where none is known."""
    named = _rules_of(p)
    return named is None or cell.record.protocol.get("rules", DEFAULT) == named


def _departs(cell: Stored, p: Published) -> list[str]:
    record = cell.record
    named = record.protocol.get("rules", DEFAULT)
    other = [] if _is_papers(cell, p) else [f"measured under {named}, not {_rules_of(p)}"]
    protocol = read_protocol(record.protocol["hash"], [cell.store.root])
    known = [f"protocol {named} departs: {said}" for said in (protocol.rules.departs if protocol else ())]
    return [*other, *departures(record, p), *known]
