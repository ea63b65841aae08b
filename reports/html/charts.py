"""Charts as plain data of plotly.js: which colours, which methods and which x axis is chosen where they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from ...symmflow.names import printable
from ..curves import AXES, Axis, Curve, Panel, Point

Trace = dict[str, Any]
SYMBOLS = ("circle", "square")
"""Of points: eight hues each."""
DASHES = ("solid", "dot", "dash", "longdash", "dashdot")
"""Curves of one method, which share its colour."""


@dataclass(frozen=True)
class Chart:
    """Traces and layout of one chart, and the same in words."""

    id: str
    title: str
    alt: str
    """For who cannot see it."""
    traces: Sequence[Trace]
    """`meta` of each: the `method` by which it is toggled, its `hue`, its `x` by axis, its `group`; `band`: an area."""
    layout: Mapping[str, Any]
    """`meta.x`: what changes with the axis."""


@dataclass(frozen=True)
class Owner:
    """Whose trace it is."""

    method: str
    hue: int


@dataclass(frozen=True)
class Spot:
    """A row in the plane of quality and cost."""

    name: str
    owner: Owner
    point: Point
    on_front: Mapping[Axis, bool]
    said: str
    """When it is pointed at."""


@dataclass(frozen=True)
class Bins:
    """The confidence of a row's predictions, in [0, 1], and how many of them are right, by bin."""

    name: str
    owner: Owner
    group: str
    """Which choice shows it; empty: every one."""
    confidence: Sequence[float]
    accuracy: Sequence[float]
    counts: Sequence[int]


def label(text: str) -> str:
    """A text as plotly shows it whatever it holds: it would obey some tags."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def curves(ident: str, panel: Panel, owners: Mapping[str, Owner]) -> Chart:
    """Lines with bands; papers' points as crosses. `owners`: by the name of a curve."""
    ends = [panel.ticks[0], panel.ticks[-1]] if panel.ticks else [1]
    traces: list[Trace] = []
    for place, curve in enumerate(panel.curves):
        owner = owners[curve.name]
        dash = DASHES[sum(owners[c.name] == owner for c in panel.curves[:place]) % len(DASHES)]
        traces += _band(curve, owner)
        traces.append(_line(curve, owner, dash, ends))
        traces += _paper(curve, owner)
    said = "; ".join(f"{c.name} {', '.join(map(_said, c.points))}" for c in panel.curves)
    points = [point for curve in panel.curves for point in curve.points]
    return Chart(
        ident,
        f"{panel.title}, {panel.label}",
        f"{panel.label} over steps. {said}",
        traces,
        _layout(panel.label, points, panel.ticks),
    )


def _said(point: Point) -> str:
    return f"{point.value:.4g}" + ("" if point.steps is None else f" at {point.steps}")


def _layout(y: str, points: Sequence[Point], steps: Sequence[int] = ()) -> dict[str, Any]:
    axes: dict[str, dict[str, Any]] = {}
    for axis, said in AXES.items():
        ticks = list(steps) if axis == "steps" else _ticks([x for p in points if (x := p.at(axis)) is not None])
        shown = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
        axes[axis] = {"title": {"text": said}, "tickmode": "array", **shown}
    return {
        "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "hovermode": "closest",
        "xaxis": {"type": "log", "minor": {"ticks": ""}},
        "yaxis": {"title": {"text": label(y)}},
        "meta": {"x": axes},
    }


def _ticks(places: Sequence[float]) -> list[float]:
    """1, 2 and 5 of the powers of ten about some places on a logarithmic axis; over many powers, 1 alone."""
    held = [place for place in places if place > 0]
    if not held:
        return []
    low, high = floor(log10(min(held))), ceil(log10(max(held)))
    digits = (1, 2, 5) if high - low < 3 else (1,)
    ticks = [float(f"{digit}e{power}") for power in range(low, high + 1) for digit in digits]
    return [tick for tick in ticks if min(held) / 10 < tick < max(held) * 10]


def _xs(points: Sequence[Point]) -> dict[str, list[float] | None]:
    """By axis; None where a point has no place there."""
    found: dict[str, list[float] | None] = {}
    for axis in AXES:
        places = [place for point in points if (place := point.at(axis)) is not None]
        found[axis] = places if len(places) == len(points) else None
    return found


def _line(curve: Curve, owner: Owner, dash: str, ends: Sequence[int]) -> Trace:
    """A row without steps is a line across them, and a point where it is drawn over its cost."""
    points = list(curve.points)
    across = points[0].steps is None
    if across:
        points = [points[0]] * len(ends)
    xs = _xs(points) | ({"steps": list(ends)} if across else {})
    modes = {axis: "lines" if across and axis == "steps" and len(ends) > 1 else "lines+markers" for axis in AXES}
    bars = {"error_y": _bars(points)} if not _banded(curve) and points[0].low is not None else {}
    return bars | {
        "type": "scatter",
        "name": label(curve.name),
        "y": [point.value for point in points],
        "text": [label(f"{curve.name}: {_interval(point)}") for point in points],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"dash": "dash" if across else dash, "width": 2},
        "marker": {"size": 7, "symbol": SYMBOLS[owner.hue // 8]},
        "meta": {"method": owner.method, "hue": owner.hue, "x": xs, "modes": modes},
    }


def _interval(point: Point) -> str:
    if point.low is None or point.high is None:
        return f"{point.value:.4g}"
    return f"{point.value:.4g} [{point.low:.4g}, {point.high:.4g}]"


def _bars(points: Sequence[Point]) -> dict[str, Any]:
    """The interval of what is too little for a band."""
    over = [(p.value if p.high is None else p.high) - p.value for p in points]
    under = [p.value - (p.value if p.low is None else p.low) for p in points]
    return {"type": "data", "symmetric": False, "array": over, "arrayminus": under, "thickness": 1.5, "width": 5}


def _banded(curve: Curve) -> list[Point]:
    """The points that a band is drawn through; none where there are fewer than two."""
    banded = [p for p in curve.points if p.steps is not None and p.low is not None and p.high is not None]
    return banded if len(banded) > 1 else []


def _band(curve: Curve, owner: Owner) -> list[Trace]:
    if not (banded := _banded(curve)):
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "y": [p.high for p in banded] + [p.low for p in reversed(banded)],
            "fill": "toself",
            "hoverinfo": "skip",
            "meta": {
                "method": owner.method,
                "hue": owner.hue,
                "band": True,
                "x": {axis: xs and xs + xs[::-1] for axis, xs in _xs(banded).items()},
            },
        }
    ]


def _paper(curve: Curve, owner: Owner) -> list[Trace]:
    papers = [p for p in curve.points if p.steps is not None and p.paper is not None]
    if not papers:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label(f"{curve.name}, paper"),
            "y": [p.paper for p in papers],
            "text": [label(f"{curve.name}, paper: {p.paper:.4g}") for p in papers],
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"symbol": "x", "size": 8},
            "meta": {"method": owner.method, "hue": owner.hue, "x": {**_xs(papers), "seconds": None}},
        }
    ]


def front(ident: str, title: str, y: str, spots: Sequence[Spot], axes: Sequence[Axis]) -> Chart:
    """Rows by quality and cost: full where no other row beats them on both, with a line from one to the next."""
    traces: list[Trace] = []
    for axis in axes:
        best = sorted((s for s in spots if s.on_front[axis]), key=lambda s: s.point.at(axis) or 0.0)
        xs = {axis: [s.point.at(axis) for s in best]}
        line = {"type": "scatter", "mode": "lines", "y": [s.point.value for s in best], "hoverinfo": "skip"}
        traces.append(line | {"line": {"dash": "dot", "width": 1.5, "shape": "hv"}, "meta": {"x": xs}})
    for spot in spots:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(spot.name),
                "y": [spot.point.value],
                "text": [label(spot.said)],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"size": 10},
                "meta": {
                    "method": spot.owner.method,
                    "hue": spot.owner.hue,
                    "x": {axis: [spot.point.at(axis)] for axis in axes},
                    "symbols": {axis: _symbol(spot.owner, spot.on_front[axis]) for axis in axes},
                },
            }
        )
    layout = _layout(y, [spot.point for spot in spots])
    layout["meta"] = {"x": {axis: layout["meta"]["x"][axis] for axis in axes}}
    return Chart(ident, title, f"{y} against cost. {'; '.join(spot.said for spot in spots)}", traces, layout)


def _symbol(owner: Owner, full: bool) -> str:
    return SYMBOLS[owner.hue // 8] + ("" if full else "-open")


def reliability(ident: str, title: str, rows: Sequence[Bins]) -> Chart:
    """How many are right of those of which a method is so sure; a perfectly calibrated one lies on the diagonal."""
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "hoverinfo": "skip",
        "line": {"dash": "dot", "width": 1.5},
        "meta": {},
    }
    traces: list[Trace] = [diagonal]
    for row in rows:
        said = [
            label(f"{row.name}: {right:.1%} right of {n:,} at {sure:.1%} confidence")
            for sure, right, n in zip(row.confidence, row.accuracy, row.counts, strict=True)
        ]
        most = max(row.counts)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(row.name),
                "x": list(row.confidence),
                "y": list(row.accuracy),
                "text": said,
                "hovertemplate": "%{text}<extra></extra>",
                "line": {"width": 2},
                "marker": {"size": [round(6 + 10 * (n / most) ** 0.5, 1) for n in row.counts]},
                "meta": {"method": row.owner.method, "hue": row.owner.hue, "group": row.group},
            }
        )
    layout = {
        "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "hovermode": "closest",
        "xaxis": {"title": {"text": "confidence"}, "range": [-0.03, 1.03], "tickformat": ".0%"},
        "yaxis": {"title": {"text": "share that is right"}, "range": [-0.03, 1.03], "tickformat": ".0%"},
    }
    words = "; ".join(f"{row.name} {_pairs(row)}" for row in rows)
    return Chart(ident, title, f"Share that is right, by confidence. {words}", traces, layout)


def _pairs(row: Bins) -> str:
    return ", ".join(f"{right:.2f} at {sure:.2f}" for sure, right in zip(row.confidence, row.accuracy, strict=True))
