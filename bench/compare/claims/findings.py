"""The papers' qualitative claims, checked against the records: each holds, does not hold, or cannot be told yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .... import datasets, methods
from ....symmflow.errors import InputError
from ... import statistics
from ...metrics.sample import Sample, Stored, sample
from ...records.evidence import Evidence
from ...records.record import Record
from ...statistics import Difference, Interval
from ..difference import difference, shared_seeds
from ..rows import default_options

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
Answer = tuple[str, str, list[Stored]] | str
"""Verdict, figures and the cells they come from; or what is missing."""


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper, the methods it is about, and how to tell."""

    text: str
    source: str
    task: str
    methods: tuple[str, ...]
    judge: Callable[[Cells], Answer]
    needs: Callable[[Record], bool] = lambda record: True
    """Which cells can serve."""
    missing: str = ""
    """What to run where none can."""


def findings(stored: Sequence[Stored]) -> list[Finding]:
    """Every claim all of whose methods have records, on each data set where they have."""
    made = []
    for claim in CLAIMS:
        own = [s for s in stored if s[0].task == claim.task and s[0].method in claim.methods and _ordinary(s[0])]
        for dataset in dict.fromkeys(r.dataset for r, _ in own):
            here = [s for s in own if s[0].dataset == dataset]
            if {r.method for r, _ in here} == set(claim.methods):
                made.append(_check(claim, here))
    return made


def _check(claim: Claim, own: Sequence[Stored]) -> Finding:
    """What the records of one data set say: those of the protocol with the most samples that can tell."""
    able: dict[str, list[Stored]] = {}
    for stored in own:
        if claim.needs(stored[0]):
            able.setdefault(stored[0].protocol["hash"], []).append(stored)
    shared = [found for found in able.values() if {r.method for r, _ in found} == set(claim.methods)]
    shared.sort(key=lambda found: (found[0][0].n, max(r.created for r, _ in found)), reverse=True)
    where, missing = own[0][0].dataset, []
    for found in shared:
        answer = _answer(claim, found)
        if not isinstance(answer, str):
            verdict, said, picked = answer
            return Finding(claim.text, claim.source, verdict, f"{where}: {said}", tuple(r.key for r, _ in picked))
        missing.append(answer)
    why = (*missing, claim.missing or "run all of its methods on the same samples")[0]
    return Finding(claim.text, claim.source, "cannot be told", f"{where}: {why}")


def _answer(claim: Claim, own: Sequence[Stored]) -> Answer:
    """From the newest checkpoint of each method."""
    cells: Cells = {}
    for method in claim.methods:
        mine = [s for s in own if s[0].method == method]
        newest = max(mine, key=lambda s: s[0].created)[0].checkpoint.fingerprint
        cells[method] = [s for s in mine if s[0].checkpoint.fingerprint == newest]
    try:
        return claim.judge(cells)
    except InputError as error:  # evidence that was pruned or is damaged
        return str(error)


def _ordinary(record: Record) -> bool:
    """A finished cell in full precision, with its method's default solver and options."""
    if record.status != "ok" or record.precision != "fp32" or not default_options(record):
        return False
    return record.solver in (None, *methods.method(record.method).solvers(record.task)[:1])


def _collapse(cells: Cells) -> Answer:
    shared = sorted({r.steps or 0 for r, _ in cells["dsm"]} & {r.steps or 0 for r, _ in cells["semflow"]})
    if not shared or shared[0] > FEW or shared[-1] < MANY:
        return f"run both at {FEW} steps or fewer, and at {MANY} or more (--steps {FEW},{MANY})"
    few, many = shared[0], shared[-1]
    picked, lost, said = [], {}, []
    for method in ("dsm", "semflow"):
        sides = shared_seeds(_at(cells[method], few), _at(cells[method], many))
        at_few, at_many = ([sample("miou", [s]) for s in side] for side in sides)
        if (loss := _loss(at_few, at_many)) is None:
            return "the evidence is not of the same images"
        lost[method] = loss
        values = [_mean("miou", side) * 100 for side in sides]
        said.append(f"{method} {values[1]:.1f} -> {values[0]:.1f}, {_percent(loss)} % lost")
        picked += [*sides[0], *sides[1]]
    dsm, semflow = lost["dsm"], lost["semflow"]
    if dsm.low > COLLAPSED and semflow.high < COLLAPSED:
        verdict = "holds"
    else:
        verdict = "does not hold" if dsm.high < COLLAPSED or semflow.low > COLLAPSED else "cannot be told"
    figures = f"mIoU from {many} to {few} steps: {'; '.join(said)}; a collapse is more than {COLLAPSED:.0%}"
    return verdict, figures, picked


def _loss(few: Sequence[Sample | str], many: Sequence[Sample | str]) -> Interval | None:
    """The share of the mean over seeds that is lost; None where it was not measured on the same images."""
    known = [s for s in (*few, *many) if not isinstance(s, str)]
    if len(known) < len(few) + len(many) or len({s.ids for s in known}) > 1:
        return None

    def lost(weights: np.ndarray) -> np.ndarray:
        values = np.stack([s.at(weights) for s in known])
        return np.asarray(1 - values[: len(few)].mean(axis=0) / values[len(few) :].mean(axis=0))

    return statistics.bootstrap(lost, len(known[0].ids))


def _seeds(cells: Cells) -> Answer:
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


def _one_step(cells: Cells) -> Answer:
    from ....methods.diffusion_classifier import Stages

    one = _at(cells["symmflow"], 1)
    if not one:
        return "run symmflow at one step (--steps 1)"
    record = cells["diffusion-classifier"][0][0]
    budget = Stages.model_validate(record.options).full(len(datasets.card(record.dataset).classes))
    enough = [r.steps for r, _ in cells["diffusion-classifier"] if r.steps and (r.nfe or 0) >= budget]
    if not enough:
        return f"run the diffusion-classifier at its full budget (--steps {budget})"
    found = _compared("accuracy", one, _at(cells["diffusion-classifier"], min(enough)))
    if isinstance(found, str):
        return found
    gap, value, picked = found
    said = f"accuracy {value[0]:.1%} at one step, {value[1]:.1%} at {min(enough):,} evaluations: {_points(gap)} points"
    return _verdict(gap, bar=-POINTS), said, picked


def _better_synthesis(better: str, worse: str, steps: int = 25) -> Callable[[Cells], Answer]:
    """Whether the Fréchet distance of one method lies below another's."""

    def judge(cells: Cells) -> Answer:
        sides = [_at(cells[m], steps) for m in (better, worse)]
        if not all(sides):
            return f"run both at {steps} steps"
        name = next((m for m in sides[0][0][0].metrics if m.startswith("fid")), None)
        if name is None or name not in sides[1][0][0].metrics:
            return "no Fréchet distance was measured"
        found = _compared(name, sides[1], sides[0])
        if isinstance(found, str):
            return found
        gap, value, picked = found
        values = f"{value[1]:.3g} for {better}, {value[0]:.3g} for {worse}"
        return _verdict(gap), f"{name} at {steps} steps {values}: {worse} - {better} = {_gap(gap)}", picked

    return judge


def _diversity(cells: Cells) -> Answer:
    both = [cells[m] for m in ("semflow", "semflow[unperturbed]")]
    shared = sorted({r.steps or 0 for r, _ in both[0]} & {r.steps or 0 for r, _ in both[1]})
    if not shared:
        return "run both at one step count"
    sides = [_at(found, shared[-1]) for found in both]
    name = next((m for m in sides[0][0][0].metrics if "diversity" in m and m in sides[1][0][0].metrics), None)
    if name is None:
        return "no diversity was measured"
    found = _compared(name, *sides)
    if isinstance(found, str):
        return found
    gap, value, picked = found
    at = f"{shared[-1]} step{'s' if shared[-1] > 1 else ''}"
    values = f"{value[0]:.3g} with, {value[1]:.3g} without"
    return _verdict(gap), f"{name} at {at} {values}: with - without = {_gap(gap)}", picked


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


def _compared(
    metric: str, ours: Sequence[Stored], theirs: Sequence[Stored]
) -> tuple[Difference, tuple[float, float], list[Stored]] | str:
    """Ours minus theirs over the seeds that both have, both values, and the cells; or why it cannot be told."""
    sides = shared_seeds(ours, theirs)
    gap = difference(metric, *sides)
    if isinstance(gap, str):
        return gap
    return gap, (_mean(metric, sides[0]), _mean(metric, sides[1])), [*sides[0], *sides[1]]


def _mean(metric: str, side: Sequence[Stored]) -> float:
    return float(np.mean([r.metrics[metric].value for r, _ in side]))


def _percent(i: Interval) -> str:
    return f"{i.value * 100:.1f} [{i.low * 100:.1f}, {i.high * 100:.1f}]"


def _points(i: Difference) -> str:
    return f"{i.value * 100:+.1f} [{i.low * 100:+.1f}, {i.high * 100:+.1f}]"


def _gap(i: Difference) -> str:
    return f"{i.value:+.3g} [{i.low:+.3g}, {i.high:+.3g}]"
