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
from .claim import Answer, Cells, Claim, at, better_synthesis, percent, shared_steps
from .seeds import moves, stays

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
        ends = shared_seeds(at(cells[method], few), at(cells[method], many))
        seeds = {cell.record.seed for side in ends for cell in side}
        rows = [[cell for cell in at(cells[method], steps) if cell.record.seed in seeds] for steps in shared]
        loss = _loss(*ends)
        if isinstance(loss, Missing):
            return loss
        lost[method] = loss
        values = " / ".join(f"{over_seeds('miou', row).value * 100:.1f}" if row else "–" for row in rows)
        said.append(f"{method} {values}, {percent(loss)} % lost")
        picked += [cell for row in rows for cell in row]
    dsm, semflow = lost["dsm"], lost["semflow"]
    if dsm.low > COLLAPSED and semflow.high < COLLAPSED:
        verdict = "holds"
    else:
        verdict = "does not hold" if dsm.high < COLLAPSED or semflow.low > COLLAPSED else "cannot be told"
    counts = " / ".join(map(str, shared))
    figures = f"mIoU at {counts} steps: {'; '.join(said)} from {many} to {few}; a collapse is more than {COLLAPSED:.0%}"
    return Answer(verdict, figures, picked)


def _loss(few: Sequence[Stored], many: Sequence[Stored]) -> Interval | Missing:
    """The share of the mean mIoU over seeds that is lost."""
    known: list[Sample] = []
    for cell in (*few, *many):
        sample = metrics.sample_of("miou", cell)
        if isinstance(sample, Missing) or (known and known[0].ids != sample.ids):
            return Missing("the evidence is not of the same images")
        known.append(sample)

    def lost(weights: np.ndarray) -> np.ndarray:
        values = np.stack([sample.at(weights) for sample in known])
        return np.asarray(1 - values[: len(few)].mean(axis=0) / values[len(few) :].mean(axis=0))

    return statistics.bootstrap(lost, len(known[0].ids))


def _diversity(cells: Cells) -> Answer | Missing:
    both = [cells[method] for method in ("semflow", "semflow[unperturbed]")]
    if not (shared := shared_steps(*both)):
        return Missing("run both at one step count")
    sides = [at(found, shared[-1]) for found in both]
    figures = [side[0].record.metrics for side in sides]
    name = next((m for m in figures[0] if "diversity" in m and m in figures[1]), None)
    if name is None:
        return Missing("no diversity was measured")
    steps = f"{shared[-1]} step{'s' if shared[-1] > 1 else ''}"
    perturbed, plain = (over_seeds(name, side).value for side in sides)
    said = f"{name} at {steps} {perturbed:.3g} with, {plain:.3g} without"
    return Answer("holds" if plain == 0 else "does not hold", said, [*sides[0], *sides[1]])


COLLAPSE = Claim(
    text="DSM collapses at few steps and SemFlow does not",
    source="SemFlow, Table 2",
    task="ss",
    methods=("dsm", "semflow"),
    judge=_collapse,
    over="spacing",
)
DSM_SEEDS = Claim(
    text="DSM's masks change with the seed",
    source="SemFlow, Figure 2",
    task="ss",
    methods=("dsm",),
    judge=moves("dsm"),
)
SEMFLOW_SEEDS = Claim(
    text="SemFlow's masks do not change with the seed",
    source="SemFlow, Figure 2",
    task="ss",
    methods=("semflow",),
    judge=stays("semflow"),
    certain="its segmentation draws nothing",
)
DIVERSITY = Claim(
    text="SemFlow trained without perturbation has no diversity",
    source="SemFlow, Figure 4",
    task="sis",
    methods=("semflow", "semflow[unperturbed]"),
    judge=_diversity,
    needs=lambda record: record.samples_per_mask > 1,
    missing="run both with --samples-per-mask 2 or more",
    certain="its synthesis starts from the mask and draws nothing",
)
SMOOTH = Claim(
    text="SemFlow trained without perturbation synthesizes worse images",
    source="SemFlow, Figure 4",
    task="sis",
    methods=("semflow", "semflow[unperturbed]"),
    judge=better_synthesis("semflow", "semflow[unperturbed]"),
)
