"""The budget of a gap for readers, and as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ....reports.block import Block
from .. import text
from .budget import Budget, Part


def blocks(found: Budget) -> list[Block]:
    """The parts with their sum, and what would measure what is unexplained."""
    rows = [[*_line(part, found.unit), part.kind] for part in found.parts]
    rows.append(["all of it", *_line(found.whole, found.unit)[1:], "the gap"])
    notes = [
        f"{_value(found.near[1], found)} is of {found.near[0]}.",
        f"{_value(found.far[1], found)} is of {found.far[0]}.",
    ]
    notes += found.notes
    hows = dict.fromkeys(part.how for part in (*found.parts, found.whole) if part.how)
    marked = {how: [p for p in (*found.parts, found.whole) if p.how == how] for how in hows}
    notes += [f"{_names(parts)}: {how}." for how, parts in marked.items()]
    notes += [
        f"{_names([part])} is measured between {' and '.join(key[:10] for key in part.cells)}."
        for part in found.parts
        if part.kind == "measured elsewhere"
    ]
    remedies = [remedy for part in found.parts for remedy in part.remedies]
    for remedy in remedies:
        first = f" ({remedy.first})" if remedy.first else ""
        notes += [f"To measure {remedy.name}{first}: {remedy.command}"] if remedy.command else []
    if bare := [remedy.name for remedy in remedies if not remedy.command]:
        notes.append(f"No command here measures alone: {', '.join(bare)}.")
    near, far = (_value(value, found) for _, value in (found.near, found.far))
    heading = f"{found.metric}: from {near} to {far}"
    return [
        Block(
            "gaps", heading, ["what changes", "part", "95 % interval", "is"], rows, [plain(found)], notes, left=(0, 3)
        )
    ]


def plain(found: Budget) -> dict[str, Any]:
    """For JSON."""
    return {
        "metric": found.metric,
        "unit": found.unit,
        "from": {"cell": found.near[0], "value": found.near[1]},
        "to": {"cell": found.far[0], "value": found.far[1]},
        "gap": asdict(found.whole),
        "parts": [asdict(part) for part in found.parts],
        "unexplained": found.unexplained,
        "notes": list(found.notes),
    }


def _names(parts: list[Part]) -> str:
    return "; ".join(dict.fromkeys(", ".join(part.names) or "the gap" for part in parts))


def _line(part: Part, unit: str) -> list[str]:
    interval = "–"
    if part.low is not None and part.high is not None:
        interval = f"[{text.fine(part.low, unit, '+')}, {text.fine(part.high, unit, '+')}]"
    return ["; ".join(part.said), text.fine(part.value, unit, "+"), interval]


def _value(value: float, found: Budget) -> str:
    return text.fine(value, found.unit)
