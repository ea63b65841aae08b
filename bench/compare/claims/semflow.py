"""What SemFlow's paper claims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import metrics, statistics
from ...metrics import Sample
from ...records import Missing, Stored
from ...statistics import Interval
from ..difference import shared_seeds
from ..rows import over_seeds
from .claim import Answer, Cells, Claim, at, gap, percent, shared_steps

COLLAPSED = 0.25
"""A method collapses at few steps if it loses more than this share of its own mIoU."""
FEW, MANY = 5, 25
"""What Table 2 calls few steps, and enough."""


def _collapse(cells: Cells) -> Answer | Missing:
    shared = shared_steps(cells["dsm"], cells["semflow"])
    if not shared or shared[0] > FEW or shared[-1] < MANY:
        return Missing(f"run both at {FEW} steps or fewer, and at {MANY} or more (--steps {FEW},{MANY})")
    few, many = shared[0], shared[-1]
    picked, lost, said = [], {}, []
    for method in ("dsm", "semflow"):
        sides = shared_seeds(at(cells[method], few), at(cells[method], many))
        loss = _loss(*sides)
        if isinstance(loss, Missing):
            return loss
        lost[method] = loss
        values = [over_seeds("miou", side).value * 100 for side in sides]
        said.append(f"{method} {values[1]:.1f} -> {values[0]:.1f}, {percent(loss)} % lost")
        picked += [*sides[0], *sides[1]]
    dsm, semflow = lost["dsm"], lost["semflow"]
    if dsm.low > COLLAPSED and semflow.high < COLLAPSED:
        verdict = "holds"
    else:
        verdict = "does not hold" if dsm.high < COLLAPSED or semflow.low > COLLAPSED else "cannot be told"
    figures = f"mIoU from {many} to {few} steps: {'; '.join(said)}; a collapse is more than {COLLAPSED:.0%}"
    return Answer(verdict, figures, picked)


def _loss(few: Sequence[Stored], many: Sequence[Stored]) -> Interval | Missing:
    """The share of the mean mIoU over seeds that is lost."""
    known: list[Sample] = []
    for cell in (*few, *many):
        sample = metrics.sample_of("miou", [cell])
        if isinstance(sample, Missing) or (known and known[0].ids != sample.ids):
            return Missing("the evidence is not of the same images")
        known.append(sample)

    def lost(weights: np.ndarray) -> np.ndarray:
        values = np.stack([sample.at(weights) for sample in known])
        return np.asarray(1 - values[: len(few)].mean(axis=0) / values[len(few) :].mean(axis=0))

    return statistics.bootstrap(lost, len(known[0].ids))


def _seeds(cells: Cells) -> Answer | Missing:
    picked, shares = [], {}
    for method in ("dsm", "semflow"):
        most = max(cell.record.steps or 0 for cell in cells[method])
        seeds = sorted(at(cells[method], most), key=lambda cell: cell.record.seed)[:2]
        if len(seeds) < 2:
            return Missing("run both with two seeds or more (--seeds 0,1)")
        masks = zip(*(cell.evidence.masks() for cell in seeds), strict=True)
        differ = [not np.array_equal(first, second) for (_, first), (_, second) in masks]
        shares[method] = statistics.wilson(sum(differ), len(differ))
        picked += seeds
    said = (
        f"between two seeds {percent(shares['dsm'])} % of the masks differ for DSM, "
        f"{percent(shares['semflow'])} % for SemFlow"
    )
    verdict = "holds" if shares["dsm"].value > 0 == shares["semflow"].value else "does not hold"
    return Answer(verdict, said, picked)


def _diversity(cells: Cells) -> Answer | Missing:
    both = [cells[method] for method in ("semflow", "semflow[unperturbed]")]
    if not (shared := shared_steps(*both)):
        return Missing("run both at one step count")
    sides = [at(found, shared[-1]) for found in both]
    figures = [side[0].record.metrics for side in sides]
    name = next((m for m in figures[0] if "diversity" in m and m in figures[1]), None)
    if name is None:
        return Missing("no diversity was measured")
    found = gap(name, *sides)
    if isinstance(found, Missing):
        return found
    steps = f"{shared[-1]} step{'s' if shared[-1] > 1 else ''}"
    values = f"{found.ours:.3g} with, {found.theirs:.3g} without"
    return Answer(found.verdict(), f"{name} at {steps} {values}: with - without = {found}", found.cells)


COLLAPSE = Claim(
    text="DSM collapses at few steps and SemFlow does not",
    source="SemFlow, Table 2",
    task="ss",
    methods=("dsm", "semflow"),
    judge=_collapse,
)
SEEDS = Claim(
    text="DSM's masks change with the seed and SemFlow's do not",
    source="SemFlow, Figure 2",
    task="ss",
    methods=("dsm", "semflow"),
    judge=_seeds,
)
DIVERSITY = Claim(
    text="SemFlow trained without perturbation loses diversity",
    source="SemFlow, Figure 4",
    task="sis",
    methods=("semflow", "semflow[unperturbed]"),
    judge=_diversity,
    needs=lambda record: record.samples_per_mask > 1,
    missing="run both with --samples-per-mask 2 or more",
)
