"""What SymmFlow's paper claims."""

from __future__ import annotations

from .... import datasets
from ...records import Missing
from .claim import Answer, Cells, Claim, at, better_synthesis, gap

POINTS = 0.02
"""The two points of accuracy of the one step."""


def _one_step(cells: Cells) -> Answer | Missing:
    from ....methods.parts.diffusion import DiffusionOptions
    from ....methods.parts.stages import Stages

    one = at(cells["symmflow"], 1)
    if not one:
        return Missing("run symmflow at one step (--steps 1)")
    classifier = [cell.record for cell in cells["diffusion-classifier"]]
    classes = datasets.card(classifier[0].dataset).classes
    timesteps = DiffusionOptions.model_validate(classifier[0].checkpoint.options).timesteps
    budget = Stages.model_validate(classifier[0].options).full(len(classes), timesteps)
    enough = [r.steps for r in classifier if r.steps and (r.nfe or 0) >= budget]
    if not enough:
        return Missing(f"run the diffusion-classifier at its full budget (--steps {budget})")
    steps = min(enough)
    found = gap("accuracy", one, at(cells["diffusion-classifier"], steps))
    if isinstance(found, Missing):
        return found
    values = f"{found.ours:.1%} at one step, {found.theirs:.1%} at {steps:,} evaluations"
    return Answer(found.verdict(bar=-POINTS), f"accuracy {values}: {found.points} points", found.cells)


ONE_STEP = Claim(
    text="SymmFlow at one step comes within two points of the Diffusion Classifier at its full budget",
    source="SymmFlow, Table 3",
    task="cls",
    methods=("symmflow", "diffusion-classifier"),
    judge=_one_step,
)
SYNTHESIS = Claim(
    text="SymmFlow's synthesis beats SemFlow's at 25 steps",
    source="SymmFlow, Table 2",
    task="sis",
    methods=("symmflow", "semflow"),
    judge=better_synthesis("symmflow", "semflow"),
)
