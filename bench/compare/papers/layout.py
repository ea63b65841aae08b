"""A paper's table for readers: in its own layout, theirs, ours and the difference one below the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from string import ascii_lowercase

from ....reports.block import Block
from ....reports.papers import Line
from .. import text
from .filled import Filled, Slot
from .wanted import Wanted

NOTHING = "–"


def block(filled: Filled, *, intervals: bool = True) -> Block:
    """Letters lead from an empty cell, or a row without one of ours, to the reason below the table, with the commands
    that would fill it."""
    marks, rows = _Marks(filled), []
    for line in filled.paper.rows:
        rows += list(_lines(filled, line, marks, intervals))
    headers = ["row", *(column.head for column in filled.paper.columns)]
    notes = [
        "Lines with a name are the paper's, of protocols of its own and without intervals: no difference is tested.",
        *(f"The paper: {said}." for said in filled.paper.departs),
        *marks.notes,
        *_caveats(filled),
    ]
    data = [{"paper": filled.paper.name, "title": filled.paper.title, "notes": notes}]
    return Block("papers", filled.paper.title, headers, rows, data, notes)


def _caveats(filled: Filled) -> list[str]:
    """What is known of single published figures."""
    of: dict[str, list[str]] = {}
    for slot in filled.slots:
        if (p := slot.theirs).note:
            of.setdefault(p.note, []).append(f"{p.method}, {p.metric} on {p.dataset}")
    return [f"Of {'; '.join(dict.fromkeys(which))}: {note}." for note, which in of.items()]


def _lines(filled: Filled, line: Line, marks: _Marks, intervals: bool) -> Iterator[list[str]]:
    """Of a row of the paper: what stands in each line, and a figure a column."""
    slots = [filled.at(line, column) for column in filled.paper.columns]

    def shown(what: str, say: Callable[[Slot], str]) -> list[str]:
        return [what, *(NOTHING if slot is None else say(slot) for slot in slots)]

    def ours(slot: Slot, departing: bool) -> str:
        if slot.figure is None:
            return NOTHING if departing else f"({marks.of(slot)})"
        if bool(slot.departs) != departing:
            return NOTHING
        mark = f" ({marks.of(slot)})" if departing else ""
        return text.figure(slot.figure, interval=intervals) + mark

    marks_here = {marks.of(slot) for slot in slots if slot and slot.figure is None}
    untouched = len(marks_here) == 1 and not any(slot and slot.figure for slot in slots)
    yield shown(f"{line.head} ({marks_here.pop()})" if untouched else line.head, _theirs)
    if not untouched and any(slot and not (slot.figure and slot.departs) for slot in slots):
        yield shown("- here", lambda slot: ours(slot, False))
    if any(slot and slot.departs for slot in slots):
        yield shown("- here, departing", lambda slot: ours(slot, True))
    if any(slot and slot.figure for slot in slots):
        yield shown("- difference", _difference)


def _theirs(slot: Slot) -> str:
    """As papers print: percents and Fréchet distances with one digit, LPIPS with three."""
    p = slot.theirs
    return f"{p.value * 100:.1f}" if p.share else f"{p.value:.1f}" if p.value >= 1 else f"{p.value:.3f}"


def _difference(slot: Slot) -> str:
    if slot.figure is None or slot.difference is None:
        return NOTHING
    return text.fine(slot.difference, slot.figure.unit, "+")


class _Marks:
    """A letter for each reason that cells of the table have in common."""

    def __init__(self, filled: Filled) -> None:
        self.members: dict[object, list[Slot]] = {}
        for slot in filled.slots:
            if slot.figure is None or slot.departs:
                self.members.setdefault(_reason(slot), []).append(slot)

    def of(self, slot: Slot) -> str:
        return _letter(list(self.members).index(_reason(slot)))

    @property
    def notes(self) -> list[str]:
        return [f"({_letter(place)}) {_said(slots)}" for place, slots in enumerate(self.members.values())]


def _reason(slot: Slot) -> object:
    return slot.departs if slot.figure else (slot.why, slot.theirs.method if slot.wanted else "")


def _said(slots: list[Slot]) -> str:
    if slots[0].figure is not None:
        return f"departs from the paper's own cell: {'; '.join(slots[0].departs)}."
    steps: dict[Wanted, list[int]] = {}
    for slot in slots:
        if slot.wanted:
            steps.setdefault(slot.wanted, []).append(slot.theirs.steps)
    if not steps:
        return f"{slots[0].why}."
    files = [f"{one.files}/" for one in steps if one.files]
    lie = f"; its outputs are to lie in {' and '.join(dict.fromkeys(files))}" if files else ""
    commands = dict.fromkeys(command for one, counts in steps.items() for command in one.commands(*counts))
    return f"{slots[0].why}{lie}: {'; '.join(commands)}"


def _letter(place: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    more, last = divmod(place, len(ascii_lowercase))
    return (_letter(more - 1) if more else "") + ascii_lowercase[last]
