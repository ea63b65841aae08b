"""The papers' qualitative claims, checked against the records: each holds, does not hold, or cannot be told yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from . import statistics
from .difference import Stored, areas, difference, table
from .metrics.confusion import Areas
from .statistics import Difference, Interval

POINTS = 0.02


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


def findings(stored: Sequence[Stored]) -> list[Finding]:
    """Every claim whose methods are among the records; those of the largest protocol (most samples) are taken."""
    usable = [s for s in stored if s[0].status == "ok" and s[0].solver in (None, "euler", "ddim")]
    made = [claim(usable) for claim in CLAIMS]
    return [finding for finding in made if finding is not None]


def _collapse(stored: Sequence[Stored]) -> Finding | None:
    claim, source = "DSM collapses at few steps and SemFlow does not", "SemFlow, Table 2"
    dsm, semflow = _cells(stored, "ss", "dsm"), _cells(stored, "ss", "semflow")
    if not (dsm and semflow):
        return None
    shared = sorted({r.steps for r, _ in dsm} & {r.steps for r, _ in semflow} - {None}, key=lambda s: s or 0)
    if len(shared) < 2:
        return Finding(claim, source, "cannot be told", "run both at two step counts or more")
    few, many = shared[0], shared[-1]
    picked = [_at(cells, steps) for cells in (dsm, semflow) for steps in (few, many)]
    ids = sorted(table(picked[0], "confusion")["id"].unique())
    measured = [areas(s, ids) for s in picked]
    if None in measured:
        return Finding(claim, source, "cannot be told", "the evidence is not of the same images")

    def lost(w: np.ndarray) -> np.ndarray:
        found = [_miou(a, w) for a in measured if a is not None]
        return (1 - found[0] / found[1]) - (1 - found[2] / found[3])

    interval = statistics.paired_bootstrap(lost, len(ids))
    values = [r.metrics["miou"].value for r, _ in picked]
    said = (
        f"from {many} to {few} steps mIoU goes {_pair(values[1], values[0])} for DSM and {_pair(values[3], values[2])} "
        f"for SemFlow: DSM loses {_points(interval)} % more of its own"
    )
    return _judge(claim, source, interval, said, picked)


def _seeds(stored: Sequence[Stored]) -> Finding | None:
    claim, source = "DSM's masks change with the seed and SemFlow's do not", "SemFlow, Figure 2"
    shares, picked = [], []
    for method in ("dsm", "semflow"):
        cells = _cells(stored, "ss", method)
        if not cells:
            return None
        most = max((r.steps or 0) for r, _ in cells)
        seeds = sorted((s for s in cells if s[0].steps == most), key=lambda s: s[0].seed)
        if len(seeds) < 2:
            return Finding(claim, source, "cannot be told", "run both with two seeds or more (--seeds 0,1)")
        picked += seeds[:2]
        first, second = (_counts(s) for s in seeds[:2])
        differ = sum(first[i] != second[i] for i in first)
        shares.append(statistics.wilson(differ, len(first)))
    said = f"two seeds differ in {_percent(shares[0])} % of the images for DSM, {_percent(shares[1])} % for SemFlow"
    verdict = "holds" if shares[0].low > 0 and shares[0].value > 0 and shares[1].value == 0 else "does not hold"
    return Finding(claim, source, verdict, said, tuple(r.key for r, _ in picked))


def _one_step(stored: Sequence[Stored]) -> Finding | None:
    claim = "SymmFlow at one step comes within two points of the Diffusion Classifier at its full budget"
    source = "SymmFlow, Table 3"
    ours, theirs = _cells(stored, "cls", "symmflow"), _cells(stored, "cls", "diffusion-classifier")
    one = [s for s in ours if s[0].steps == 1]
    if not (one and theirs):
        return None
    full = max(theirs, key=lambda s: s[0].nfe or 0)
    interval = difference("accuracy", one[:1], [full])
    if isinstance(interval, str):
        return Finding(claim, source, "cannot be told", interval)
    value = [r.metrics["accuracy"].value for r, _ in (one[0], full)]
    said = (
        f"accuracy {value[0]:.1%} at one step against {value[1]:.1%} at {full[0].nfe:,.0f} evaluations: "
        f"{_points(interval)} points"
    )
    return _judge(claim, source, interval, said, [one[0], full], bar=-POINTS)


def _better_synthesis(
    better: str, worse: str, claim: str, source: str, steps: int = 25
) -> Callable[[Sequence[Stored]], Finding | None]:
    """The claim that the Fréchet distance of one method lies below another's."""

    def check(stored: Sequence[Stored]) -> Finding | None:
        cells = [[s for s in _cells(stored, "sis", m) if s[0].steps == steps] for m in (better, worse)]
        if not all(cells):
            return None
        a, b = (found[0][0] for found in cells)
        name = next((m for m in a.metrics if m.startswith("fid")), None)
        if name is None or name not in b.metrics:
            return Finding(claim, source, "cannot be told", "no Fréchet distance was measured")
        value = [r.metrics[name].value for r in (a, b)]
        interval = difference(name, cells[1][:1], cells[0][:1])
        if isinstance(interval, str):
            return Finding(claim, source, "cannot be told", interval)
        said = (
            f"{name} at {steps} steps {value[0]:.3g} for {better}, {value[1]:.3g} for {worse}: "
            f"{interval.value:.3g} [{interval.low:.3g}, {interval.high:.3g}] lower"
        )
        return _judge(claim, source, interval, said, [found[0] for found in cells])

    return check


def _diversity(stored: Sequence[Stored]) -> Finding | None:
    claim = "SemFlow trained without perturbation loses diversity"
    source = "SemFlow, Figure 4"
    with_, without = (
        [s for s in _cells(stored, "sis", m) if s[0].samples_per_mask > 1] for m in ("semflow", "semflow[unperturbed]")
    )
    if not (_cells(stored, "sis", "semflow") and _cells(stored, "sis", "semflow[unperturbed]")):
        return None
    shared = sorted({r.steps for r, _ in with_} & {r.steps for r, _ in without}, key=lambda s: s or 0)
    if not shared:
        return Finding(claim, source, "cannot be told", "run both with --samples-per-mask 2 or more")
    picked = [_at(with_, shared[-1]), _at(without, shared[-1])]
    name = next((m for m in picked[0][0].metrics if "diversity" in m), None)
    if name is None:
        return Finding(claim, source, "cannot be told", "no diversity was measured")
    interval = difference(name, picked[:1], picked[1:])
    if isinstance(interval, str):
        return Finding(claim, source, "cannot be told", interval)
    said = (
        f"{name} {picked[0][0].metrics[name].value:.3g} with, {picked[1][0].metrics[name].value:.3g} without: "
        f"{interval.value:.3g} [{interval.low:.3g}, {interval.high:.3g}] lost"
    )
    return _judge(claim, source, interval, said, picked)


CLAIMS: tuple[Callable[[Sequence[Stored]], Finding | None], ...] = (
    _collapse,
    _seeds,
    _one_step,
    _better_synthesis("symmflow", "semflow", "SymmFlow's synthesis beats SemFlow's at 25 steps", "SymmFlow, Table 2"),
    _better_synthesis(
        "fm", "symmflow", "The symmetric objective costs image quality against plain flow matching", "no paper asks"
    ),
    _diversity,
)


def _judge(
    claim: str, source: str, found: Difference, said: str, picked: Iterable[Stored], bar: float = 0.0
) -> Finding:
    """Holds if the whole interval lies above the bar, does not if it lies below."""
    verdict = "holds" if found.low > bar else "does not hold" if found.high < bar else "cannot be told"
    return Finding(claim, source, verdict, said, tuple(r.key for r, _ in picked))


def _cells(stored: Sequence[Stored], task: str, method: str) -> list[Stored]:
    """Cells of a method, of the protocol with the most samples."""
    found = [s for s in stored if s[0].task == task and s[0].method == method]
    if not found:
        return []
    best = max(found, key=lambda s: (s[0].n, s[0].protocol["hash"]))[0].protocol["hash"]
    return [s for s in found if s[0].protocol["hash"] == best]


def _at(cells: Sequence[Stored], steps: int | None) -> Stored:
    return min((s for s in cells if s[0].steps == steps), key=lambda s: s[0].seed)


def _miou(areas: Areas, weights: np.ndarray) -> np.ndarray:
    return np.nanmean(areas.iou(weights)[:, areas.present], axis=1)


def _counts(stored: Stored) -> dict[str, set[tuple[int, int, int]]]:
    """Confusion counts an image."""
    counts = table(stored, "confusion")
    rows = zip(counts["id"], counts["truth"], counts["prediction"], counts["pixels"], strict=True)
    found: dict[str, set[tuple[int, int, int]]] = {}
    for sample, truth, prediction, pixels in rows:
        found.setdefault(sample, set()).add((int(truth), int(prediction), int(pixels)))
    return found


def _pair(before: float, after: float) -> str:
    return f"{before * 100:.1f} -> {after * 100:.1f}"


def _percent(i: Interval) -> str:
    return f"{i.value * 100:.1f} [{i.low * 100:.1f}, {i.high * 100:.1f}]"


def _points(i: Difference) -> str:
    return f"{i.value * 100:+.1f} [{i.low * 100:+.1f}, {i.high * 100:+.1f}]"
