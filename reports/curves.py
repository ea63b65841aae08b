"""Curves over inference steps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ..symmflow.errors import InputError

Form = Literal["png", "svg", "pdf"]
FORMS: tuple[Form, ...] = get_args(Form)
Axis = Literal["steps", "nfe", "seconds"]
AXES: dict[Axis, str] = {
    "steps": "inference steps",
    "nfe": "network evaluations an image",
    "seconds": "seconds an image",
}
"""What a figure is drawn over, and what stands there."""

# Okabe and Ito: told apart by colour-blind readers and in print
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


@dataclass(frozen=True)
class Point:
    """A figure, in the unit of its panel."""

    steps: int | None
    """None: there are no steps, the figure is the same everywhere."""
    value: float
    low: float | None = None
    high: float | None = None
    paper: float | None = None
    """What the paper says."""
    nfe: float | None = None
    """Network evaluations an image."""
    seconds: float | None = None
    """An image."""

    def at(self, axis: Axis) -> float | None:
        """Where it stands; None where that is not known."""
        return {"steps": self.steps, "nfe": self.nfe, "seconds": self.seconds}[axis]


@dataclass(frozen=True)
class Curve:
    """A line, by ascending steps."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    """What is drawn on common axes."""

    title: str
    label: str
    curves: Sequence[Curve]

    @property
    def ticks(self) -> list[int]:
        """The step counts of its points, ascending."""
        return sorted({p.steps for curve in self.curves for p in curve.points if p.steps is not None})


def form_of(path: Path) -> Form:
    """Of a picture, by the ending of its name. Raises `InputError` for another one."""
    ending = path.suffix.lower().removeprefix(".")
    for form in FORMS:
        if ending == form:
            return form
    raise InputError(f"{path} is no picture by its ending; let it end in .png, .svg or .pdf.")


def draw(panels: Sequence[Panel], form: Form = "png") -> bytes:
    """Intervals as bands, papers' points as crosses. A name keeps its colour in every panel.

    Equal panels give equal bytes: no date, no random ids.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with plt.rc_context({"text.parse_math": False, "svg.hashsalt": "symmbench"}):  # a dollar in a name is a dollar
        figure = _figure(panels)
        figure.savefig(buffer, format=form, dpi=120, metadata=undated.get(form))
        plt.close(figure)
    return buffer.getvalue()


def _figure(panels: Sequence[Panel]) -> Any:
    from matplotlib import pyplot as plt

    width = min(len(panels), 3)
    height = -(-len(panels) // width)
    figure, axes = plt.subplots(height, width, figsize=(4 * width, 3.2 * height), squeeze=False, layout="constrained")
    names = sorted({curve.name for panel in panels for curve in panel.curves})
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        for curve in sorted(panel.curves, key=lambda c: c.name):
            _line(axis, curve, COLORS[names.index(curve.name) % len(COLORS)])
        axis.set_title(panel.title, fontsize=10)
        axis.set_ylabel(panel.label)
        axis.set_xlabel(AXES["steps"])
        if panel.ticks:
            axis.set_xscale("log")
            axis.set_xticks(panel.ticks, [str(t) for t in panel.ticks])
            axis.minorticks_off()
        axis.grid(alpha=0.25)
        axis.legend(fontsize=8, frameon=False)
    return figure


def _line(axis: Any, curve: Curve, color: str) -> None:
    """A curve; a horizontal line where there are no steps."""
    first = curve.points[0]
    name = f" {curve.name}" if curve.name.startswith("_") else curve.name  # else the legend leaves it out
    if first.steps is None:
        axis.axhline(first.value, color=color, linestyle="--", label=name)
        if first.low is not None and first.high is not None:
            axis.axhspan(first.low, first.high, color=color, alpha=0.1, linewidth=0)
        return
    steps, values = [p.steps for p in curve.points], [p.value for p in curve.points]
    axis.plot(steps, values, color=color, marker="o", markersize=4, label=name)
    if banded := [(p.steps, p.low, p.high) for p in curve.points if p.low is not None and p.high is not None]:
        if len(banded) > 1:
            axis.fill_between(*zip(*banded, strict=True), color=color, alpha=0.15, linewidth=0)
        else:
            axis.vlines(*zip(*banded, strict=True), color=color, alpha=0.6)
    if papers := [(p.steps, p.paper) for p in curve.points if p.paper is not None]:
        axis.plot(*zip(*papers, strict=True), color=color, marker="x", linestyle=":", label=f"{name}, paper")
