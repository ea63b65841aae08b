"""Figures over inference steps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..symmflow.errors import InputError
from .tables import row_name

if TYPE_CHECKING:
    from ..bench.compare.rows import Row, Table

HEADLINE = {
    "cls": ("accuracy",),
    "ss": ("miou",),
    "sis": ("fid", "alignment_miou", "alignment_accuracy"),
    "cycle": ("cycle_miou", "cycle_accuracy"),
}
# Okabe and Ito: told apart by colour-blind readers and in print
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def steps_curves(tables: Sequence[Table]) -> bytes:
    """PNG: a panel a headline metric and protocol, a line a method, intervals as bands, papers' points as crosses."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(t, m) for t in tables for m in t.metrics if m.partition("[")[0] in HEADLINE[t.task]]
    if not panels:
        raise InputError("there is nothing to plot: no record has a headline metric; run more cells.")
    width = min(len(panels), 3)
    height = -(-len(panels) // width)
    figure, axes = plt.subplots(height, width, figsize=(4 * width, 3.2 * height), squeeze=False, layout="constrained")
    names = sorted({row_name(t, r) for t in tables for r in t.rows})  # a method keeps its colour in every panel
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (table, metric) in zip(axes.flat, panels, strict=False):
        ticks: set[int] = set()
        for name in names:
            rows = [r for r in table.rows if row_name(table, r) == name and metric in r.metrics]
            if rows:
                ticks |= _line(axis, rows, metric, name, COLORS[names.index(name) % len(COLORS)])
        first = next(r.metrics[metric] for r in table.rows if metric in r.metrics)
        axis.set_title(f"{table.dataset}  {table.task}", fontsize=10)
        axis.set_ylabel(f"{metric} [%]" if first.unit == "fraction" else metric)
        axis.set_xlabel("inference steps")
        if ticks:
            axis.set_xscale("log")
            axis.set_xticks(sorted(ticks), [str(t) for t in sorted(ticks)])
            axis.minorticks_off()
        axis.grid(alpha=0.25)
        axis.legend(fontsize=8, frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    plt.close(figure)
    return buffer.getvalue()


def _line(axis, rows: Sequence[Row], metric: str, name: str, color: str) -> set[int]:  # type: ignore[no-untyped-def]
    """Draw a method; returns its step counts. A method without steps is a horizontal line."""
    scale = 100 if rows[0].metrics[metric].unit == "fraction" else 1
    if rows[0].steps is None:
        axis.axhline(rows[0].metrics[metric].value * scale, color=color, linestyle="--", label=name)
        return set()
    found = [(r.steps, r.metrics[metric]) for r in rows if r.steps is not None]
    steps = [s for s, _ in found]
    axis.plot(steps, [m.value * scale for _, m in found], color=color, marker="o", markersize=4, label=name)
    banded = [(s, m.low * scale, m.high * scale) for s, m in found if m.low is not None and m.high is not None]
    if banded:
        x, low, high = zip(*banded, strict=True)
        axis.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    paper = [(r.steps, r.paper[metric] * scale) for r in rows if metric in r.paper]
    if paper:
        axis.plot(*zip(*paper, strict=True), color=color, marker="x", linestyle=":", label=f"{name}, paper")
    return set(steps)
