"""The papers' qualitative claims, checked against the records: each holds, does not hold, or cannot be told yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import methods
from ..symmflow.errors import InputError
from . import statistics
from .compare import default_options
from .difference import difference
from .evidence import Evidence
from .records import Record
from .samples import Sample, Stored, sample
from .statistics import Difference, Interval

COLLAPSED = 0.25
"""A method collapses at few steps if it loses more than this share of its own mIoU."""
FEW, MANY = 5, 25
"""What SemFlow's Table 2 calls few steps, and enough."""
POINTS = 0.02
"""The two points of accuracy of SymmFlow's one step."""


@dataclass(frozen=True)
class Finding:
    """A claim and what the records say of it."""

    claim: str
    source: str
    verdict: str
    """`holds`, `does not hold` or `cannot be told`."""
    said: str
    """The figures, with the 95 % interval, or what is missing."""
    keys: tuple[str, ...] = ()
    """Records that it rests on."""


Cells = dict[str, list[Stored]]
"""Method -> its cells under one protocol."""


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper, the methods it is about, and how to tell."""

    text: str
    source: str
    task: str
    methods: tuple[str, ...]
    judge: Callable[[Cells], tuple[str, str, list[Stored]] | str]
    """Verdict, figures and the cells they come from; or what is missing."""
    needs: Callable[[Record], bool] = lambda record: True
    """Which cells can serve."""
    missing: str = ""
    """What to run where none can."""


def findings(stored: Sequence[Stored]) -> list[Finding]:
    """Every claim all of whose methods have records."""
    usable = [s for s in stored if _ordinary(s[0])]
    made = []
    for claim in CLAIMS:
        own = [s for s in usable if s[0].task == claim.task and s[0].method in claim.methods]
        if {s[0].method for s in own} != set(claim.methods):
            continue
        try:
            made.append(_check(claim, own))
        except InputError as error:  # evidence that was pruned or is damaged
            made.append(Finding(claim.text, claim.source, "cannot be told", str(error)))
    return made


def _check(claim: Claim, own: Sequence[Stored]) -> Finding:
    def unknown(said: str) -> Finding:
        return Finding(claim.text, claim.source, "cannot be told", said)

    able = [s for s in own if claim.needs(s[0])]
    shared = [
        (record.n, record.protocol["hash"])
        for record, _ in able
        if {r.method for r, _ in able if r.protocol["hash"] == record.protocol["hash"]} == set(claim.methods)
    ]
    if not shared:
        return unknown(claim.missing or "run all of its methods on the same samples")
    _, protocol = max(shared)  # the most samples
    cells: Cells = {}
    for method in claim.methods:
        mine = [s for s in able if s[0].method == method and s[0].protocol["hash"] == protocol]
        newest = max(mine, key=lambda s: s[0].created)[0].checkpoint.fingerprint
        cells[method] = [s for s in mine if s[0].checkpoint.fingerprint == newest]
    answer = claim.judge(cells)
    if isinstance(answer, str):
        return unknown(answer)
    verdict, said, picked = answer
    return Finding(
        claim.text, claim.source, verdict, f"{picked[0][0].dataset}: {said}", tuple(r.key for r, _ in picked)
    )


def _ordinary(record: Record) -> bool:
    """A finished cell in full precision, with its method's default solver and options."""
    if record.status != "ok" or record.precision != "fp32" or not default_options(record):
        return False
    return record.solver in (None, *methods.method(record.method).solvers(record.task)[:1])


def _collapse(cells: Cells) -> tuple[str, str, list[Stored]] | str:
    shared = sorted({r.steps or 0 for r, _ in cells["dsm"]} & {r.steps or 0 for r, _ in cells["semflow"]})
    if not shared or shared[0] > FEW or shared[-1] < MANY:
        return f"run both at {FEW} steps or fewer, and at {MANY} or more (--steps {FEW},{MANY})"
    few, many = shared[0], shared[-1]
    picked, lost, said = [], {}, []
    for method in ("dsm", "semflow"):
        pair = [_first_seed(_at(cells[method], steps)) for steps in (few, many)]
        at_few, at_many = (sample("miou", [s]) for s in pair)
        if isinstance(at_few, str) or isinstance(at_many, str) or at_few.ids != at_many.ids:
            return "the evidence is not of the same images"
        lost[method] = statistics.bootstrap(_loss(at_few, at_many), len(at_few.ids))
        values = [s[0].metrics["miou"].value * 100 for s in pair]
        said.append(f"{method} {values[1]:.1f} -> {values[0]:.1f}, {_percent(lost[method])} % lost")
        picked += pair
    dsm, semflow = lost["dsm"], lost["semflow"]
    if dsm.low > COLLAPSED and semflow.high < COLLAPSED:
        verdict = "holds"
    else:
        verdict = "does not hold" if dsm.high < COLLAPSED or semflow.low > COLLAPSED else "cannot be told"
    figures = f"mIoU from {many} to {few} steps: {'; '.join(said)}; a collapse is more than {COLLAPSED:.0%}"
    return verdict, figures, picked


def _loss(few: Sample, many: Sample) -> Callable[[np.ndarray], np.ndarray]:
    return lambda weights: 1 - few.at(weights) / many.at(weights)


def _seeds(cells: Cells) -> tuple[str, str, list[Stored]] | str:
    picked, shares = [], {}
    for method in ("dsm", "semflow"):
        most = max(r.steps or 0 for r, _ in cells[method])
        seeds = sorted(_at(cells[method], most), key=lambda s: s[0].seed)
        if len(seeds) < 2:
            return "run both with two seeds or more (--seeds 0,1)"
        masks = zip(*(Evidence.of(*s).masks() for s in seeds[:2]), strict=True)
        differ = [not np.array_equal(first, second) for (_, first), (_, second) in masks]
        shares[method] = statistics.wilson(sum(differ), len(differ))
        picked += seeds[:2]
    said = (
        f"between two seeds {_percent(shares['dsm'])} % of the masks differ for DSM, "
        f"{_percent(shares['semflow'])} % for SemFlow"
    )
    return "holds" if shares["dsm"].value > 0 == shares["semflow"].value else "does not hold", said, picked


def _one_step(cells: Cells) -> tuple[str, str, list[Stored]] | str:
    from ..methods.diffusion_classifier import Stages

    one = _at(cells["symmflow"], 1)
    if not one:
        return "run symmflow at one step"
    record = cells["diffusion-classifier"][0][0]
    stages = Stages.model_validate(record.options)
    classes = len(record.details["accuracy_per_class"])
    budget = stages.full(classes)
    full = [s for s in cells["diffusion-classifier"] if (s[0].nfe or 0) >= budget]
    if not full:
        return f"run the diffusion-classifier at its full budget (--steps {budget})"
    found = difference("accuracy", one, full)
    if isinstance(found, str):
        return found
    value = [float(np.mean([r.metrics["accuracy"].value for r, _ in side])) for side in (one, full)]
    said = f"accuracy {value[0]:.1%} at one step, {value[1]:.1%} at {budget:,} evaluations: {_points(found)} points"
    return _verdict(found, bar=-POINTS), said, [*one, *full]


def _better_synthesis(
    better: str, worse: str, steps: int = 25
) -> Callable[[Cells], tuple[str, str, list[Stored]] | str]:
    """Whether the Fréchet distance of one method lies below another's."""

    def judge(cells: Cells) -> tuple[str, str, list[Stored]] | str:
        sides = [_at(cells[m], steps) for m in (better, worse)]
        if not all(sides):
            return f"run both at {steps} steps"
        name = next((m for m in sides[0][0][0].metrics if m.startswith("fid")), None)
        if name is None or name not in sides[1][0][0].metrics:
            return "no Fréchet distance was measured"
        found = difference(name, sides[1], sides[0])
        if isinstance(found, str):
            return found
        value = [float(np.mean([r.metrics[name].value for r, _ in side])) for side in sides]
        said = (
            f"{name} at {steps} steps {value[0]:.3g} for {better}, {value[1]:.3g} for {worse}: "
            f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}] lower"
        )
        return _verdict(found), said, [*sides[0], *sides[1]]

    return judge


def _diversity(cells: Cells) -> tuple[str, str, list[Stored]] | str:
    both = [cells[m] for m in ("semflow", "semflow[unperturbed]")]
    shared = sorted({r.steps or 0 for r, _ in both[0]} & {r.steps or 0 for r, _ in both[1]})
    if not shared:
        return "run both at one step count"
    sides = [_at(found, shared[-1]) for found in both]
    name = next((m for m in sides[0][0][0].metrics if "diversity" in m and m in sides[1][0][0].metrics), None)
    if name is None:
        return "no diversity was measured"
    found = difference(name, *sides)
    if isinstance(found, str):
        return found
    value = [float(np.mean([r.metrics[name].value for r, _ in side])) for side in sides]
    said = (
        f"{name} at {shared[-1]} steps {value[0]:.3g} with, {value[1]:.3g} without: "
        f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}] lost"
    )
    return _verdict(found), said, [*sides[0], *sides[1]]


CLAIMS = (
    Claim("DSM collapses at few steps and SemFlow does not", "SemFlow, Table 2", "ss", ("dsm", "semflow"), _collapse),
    Claim(
        "DSM's masks change with the seed and SemFlow's do not", "SemFlow, Figure 2", "ss", ("dsm", "semflow"), _seeds
    ),
    Claim(
        "SymmFlow at one step comes within two points of the Diffusion Classifier at its full budget",
        "SymmFlow, Table 3",
        "cls",
        ("symmflow", "diffusion-classifier"),
        _one_step,
    ),
    Claim(
        "SymmFlow's synthesis beats SemFlow's at 25 steps",
        "SymmFlow, Table 2",
        "sis",
        ("symmflow", "semflow"),
        _better_synthesis("symmflow", "semflow"),
    ),
    Claim(
        "The symmetric objective costs image quality against plain flow matching",
        "no paper asks",
        "sis",
        ("fm", "symmflow"),
        _better_synthesis("fm", "symmflow"),
    ),
    Claim(
        "SemFlow trained without perturbation loses diversity",
        "SemFlow, Figure 4",
        "sis",
        ("semflow", "semflow[unperturbed]"),
        _diversity,
        lambda record: record.samples_per_mask > 1,
        "run both with --samples-per-mask 2 or more",
    ),
)


def _verdict(found: Difference, bar: float = 0.0) -> str:
    """Holds if the whole interval lies above the bar, does not if it lies below."""
    return "holds" if found.low > bar else "does not hold" if found.high < bar else "cannot be told"


def _at(cells: Sequence[Stored], steps: int) -> list[Stored]:
    """The row at a step count: its cells, one a seed."""
    return [s for s in cells if s[0].steps == steps]


def _first_seed(cells: Sequence[Stored]) -> Stored:
    return min(cells, key=lambda s: s[0].seed)


def _percent(i: Interval) -> str:
    return f"{i.value * 100:.1f} [{i.low * 100:.1f}, {i.high * 100:.1f}]"


def _points(i: Difference) -> str:
    return f"{i.value * 100:+.1f} [{i.low * 100:+.1f}, {i.high * 100:+.1f}]"
