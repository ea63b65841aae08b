"""The commands that would measure a figure of a paper."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from .... import methods
from ....reports.papers import LPIPS, Line, Paper
from ....reports.published import Published
from ...protocols import DEFAULT, all_rules, rules
from ...records import DEFAULT_STORE

OUTPUTS = "outputs:"
"""Before the folder of files that somebody else's code made."""


@dataclass(frozen=True)
class Wanted:
    """What is to be run; figures that differ in the steps alone have it in common."""

    run: tuple[str, ...]
    """Words of a `bench run` but for its steps."""
    train: str = ""
    """The recipe that is to be trained first."""
    files: str = ""
    """The folder where outputs that were made elsewhere are to lie."""
    stepless: bool = False

    def commands(self, *steps: int) -> list[str]:
        """In their order, as a shell takes them."""
        counts = () if self.stepless else ("--steps", ",".join(map(str, sorted(set(steps)))))
        first = [shlex.join(("bench", "train", "--recipe", self.train))] if self.train else []
        return [*first, shlex.join(("bench", "run", *self.run, *counts))]


def wanted(paper: Paper, line: Line, p: Published, into: Path = DEFAULT_STORE) -> Wanted | None:
    """What would measure a figure as its paper does, into a store; None where nobody can tell which metric it is."""
    if p.metric == LPIPS:
        return None
    named = protocol_of(paper, p)
    outputs = line.run.startswith(OUTPUTS)
    files = f"{p.dataset}/{line.run.removeprefix(OUTPUTS)}" if outputs else ""
    method = f"{OUTPUTS}{files}" if outputs else line.run or p.method.partition("[")[0]
    run = ["-m", method, "-d", p.dataset, "-t", p.task]
    said = rules(named).split.get(p.task)
    if said is None and p.split != "test":
        run += ["--split", p.split]
    if named != DEFAULT:
        run += ["--protocol", named]
    if into != DEFAULT_STORE:
        run += ["--out", str(into)]
    if line.run:
        return Wanted(tuple(run), files=files, stepless=not outputs)
    if p.solver and p.solver != next(iter(methods.method(p.method).solvers(p.task)), p.solver):
        run += ["--solver", p.solver]
    if p.method in methods.bundled(p.dataset):
        return Wanted(tuple(run))
    recipe = f"{p.dataset}/{p.method}"
    return Wanted((*run, "--checkpoint", f"runs/{recipe}"), train=recipe)


def protocol_of(paper: Paper, p: Published) -> str:
    """The protocol under which a figure is the paper's: its table's, else the first that has the metric at all."""
    if not paper.protocol:
        return DEFAULT
    able = [paper.protocol, *(name for name in all_rules() if name != DEFAULT)]
    return next((name for name in able if p.metric in (rules(name).metrics or {}).get(p.task, ())), DEFAULT)
