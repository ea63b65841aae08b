"""A claim about methods, and how the records tell whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .... import methods
from ....symmflow.errors import InputError
from ...metrics import family
from ...records import Missing, Record, Replaced, Stored
from ...statistics import Difference, Interval
from ..departures import default_options
from ..difference import difference, shared_seeds
from ..rows import over_seeds


@dataclass(frozen=True)
class Finding:
    """A claim and what the records say of it."""

    claim: str
    source: str
    verdict: str
    """`holds`, `does not hold`, `cannot be told`, or `by construction` where it could not come out otherwise."""
    said: str
    """The figures, with the 95 % interval, or what is missing."""
    keys: tuple[str, ...] = ()
    """Records that it rests on."""
    grid: str = ""
    """Where in time the steps lie."""
    trainings: Mapping[str, int] = field(default_factory=dict)
    """Of each method, how many it rests on."""
    could_fail: bool = True


@dataclass(frozen=True)
class Answer:
    """What the cells of one protocol say."""

    verdict: str
    said: str
    cells: Sequence[Stored]
    """What it comes from."""

    @property
    def grid(self) -> str:
        """Where in time the steps of each method lie."""
        grids = {cell.record.method: _grid(cell.record) for cell in self.cells}
        return "; ".join(f"{method}: {grid}" for method, grid in grids.items())

    @property
    def trainings(self) -> dict[str, int]:
        runs: dict[str, set[str]] = {}
        for cell in self.cells:
            runs.setdefault(cell.record.method, set()).add(cell.record.checkpoint.fingerprint)
        return {method: len(found) for method, found in runs.items()}


def _grid(record: Record) -> str:
    if spacing := record.options.get("spacing"):
        return f"{spacing} timesteps"
    return "timesteps spread evenly" if record.solver is None else "equal steps"


Cells = Mapping[str, Sequence[Stored]]
"""Method -> its cells under one protocol, of one checkpoint."""


@dataclass(frozen=True)
class Claim:
    """A sentence, the methods it is about, and how to tell."""

    text: str
    source: str
    task: str
    methods: tuple[str, ...]
    judge: Callable[[Cells], Answer | Missing]
    needs: Callable[[Record], bool] = lambda record: True
    """Which cells can serve."""
    missing: str = "run all of its methods on the same samples"
    """What to do where none can."""
    over: str | None = None
    """An inference option: there is a finding for each of its values, and any of them may serve."""
    certain: str = ""
    """Why it cannot come out otherwise; empty where it can."""

    def findings(self, cells: Sequence[Stored]) -> list[Finding]:
        """On each data set where all of its methods have records.

        A claim about one method alone says nothing until it can be told: nobody asked.
        """
        own = [c for c in cells if (c.record.task, c.record.method) in self._about and _ordinary(c.record, self.over)]
        made = []
        for dataset in dict.fromkeys(cell.record.dataset for cell in own):
            here = [cell for cell in own if cell.record.dataset == dataset]
            for value in sorted({self._value(cell) for cell in here} - {""}) or [""]:
                at_value = [cell for cell in here if self._value(cell) in ("", value)]
                if self._whole(at_value):
                    made.append(self._check(dataset, at_value))
        return [finding for finding in made if finding.keys or len(self.methods) > 1]

    def _value(self, cell: Stored) -> str:
        """Of the option that it asks over; empty for a method without it."""
        if self.over is None:
            return ""
        default = getattr(methods.method(cell.record.method).Inference(), self.over, "")
        return str(cell.record.options.get(self.over, default))

    @property
    def _about(self) -> set[tuple[str, str]]:
        return {(self.task, method) for method in self.methods}

    def _whole(self, cells: Sequence[Stored]) -> bool:
        return {cell.record.method for cell in cells} == set(self.methods)

    def _check(self, dataset: str, own: Sequence[Stored]) -> Finding:
        """What the records of one data set say: those of the protocol with the most samples that can tell."""
        able: dict[str, list[Stored]] = {}
        for cell in own:
            if self.needs(cell.record):
                able.setdefault(cell.record.protocol["hash"], []).append(cell)
        shared = [found for found in able.values() if self._whole(found)]
        shared.sort(key=lambda found: (found[0].record.n, max(c.record.created for c in found)), reverse=True)
        missing = []
        for found in shared:
            answer = self._answer(found)
            if not isinstance(answer, Missing):
                return self._finding(dataset, answer)
            missing.append(str(answer))
        said = f"{dataset}: {(*missing, self.missing)[0]}"
        return Finding(self.text, self.source, "cannot be told", said, could_fail=not self.certain)

    def _finding(self, dataset: str, answer: Answer) -> Finding:
        verdict, said = answer.verdict, answer.said
        if self.certain and verdict == "holds":
            verdict, said = "by construction", f"{said}; {self.certain}"
        keys = tuple(cell.record.key for cell in answer.cells)
        made = (self.text, self.source, verdict, f"{dataset}: {said}", keys, answer.grid, answer.trainings)
        return Finding(*made, could_fail=not self.certain)

    def _answer(self, own: Sequence[Stored]) -> Answer | Missing:
        """From the newest checkpoint of each method."""
        cells = {}
        for method in self.methods:
            mine = [cell for cell in own if cell.record.method == method]
            newest = max(mine, key=lambda cell: cell.record.created).record.checkpoint.fingerprint
            cells[method] = [cell for cell in mine if cell.record.checkpoint.fingerprint == newest]
        try:
            return self.judge(cells)
        except Replaced:
            raise
        except InputError as error:  # evidence that was pruned or is damaged
            return Missing(str(error))


def _ordinary(record: Record, free: str | None) -> bool:
    """A finished cell in full precision, with its method's default solver and options, but for one that is `free`."""
    if record.status != "ok" or record.precision != "fp32" or not default_options(record, free):
        return False
    return record.solver in (None, *methods.method(record.method).solvers(record.task)[:1])


@dataclass(frozen=True)
class Gap:
    """A metric of two rows over the seeds that both have."""

    difference: Difference
    """Ours minus theirs."""
    ours: float
    theirs: float
    cells: Sequence[Stored]

    def verdict(self, bar: float = 0.0) -> str:
        """Holds if the whole interval lies above the bar, does not if it lies below."""
        low, high = self.difference.low, self.difference.high
        return "holds" if low > bar else "does not hold" if high < bar else "cannot be told"

    def __str__(self) -> str:
        d = self.difference
        return f"{d.value:+.3g} [{d.low:+.3g}, {d.high:+.3g}]"

    @property
    def points(self) -> str:
        """Of a share, in percent."""
        d = self.difference
        return f"{d.value * 100:+.1f} [{d.low * 100:+.1f}, {d.high * 100:+.1f}]"


def gap(metric: str, ours: Sequence[Stored], theirs: Sequence[Stored]) -> Gap | Missing:
    """Ours minus theirs."""
    sides = shared_seeds(ours, theirs)
    found = difference(metric, *sides)
    if isinstance(found, Missing):
        return found
    a, b = (over_seeds(metric, side).value for side in sides)
    return Gap(found, a, b, [*sides[0], *sides[1]])


def at(cells: Sequence[Stored], steps: int) -> list[Stored]:
    """The row at a step count: its cells, one a seed."""
    return [cell for cell in cells if cell.record.steps == steps]


def shared_steps(first: Sequence[Stored], second: Sequence[Stored]) -> list[int]:
    """Step counts that both have, ascending."""
    counts = [{cell.record.steps or 0 for cell in cells} for cells in (first, second)]
    return sorted(counts[0] & counts[1])


def percent(i: Interval) -> str:
    return f"{i.value * 100:.1f} [{i.low * 100:.1f}, {i.high * 100:.1f}]"


def better_synthesis(better: str, worse: str, steps: int = 25) -> Callable[[Cells], Answer | Missing]:
    """Whether the Fréchet distance of one method lies below another's."""

    def judge(cells: Cells) -> Answer | Missing:
        sides = [at(cells[method], steps) for method in (better, worse)]
        if not all(sides):
            return Missing(f"run both at {steps} steps")
        figures = [side[0].record.metrics for side in sides]
        name = next((m for m in figures[0] if family(m) == "fid"), None)
        if name is None or name not in figures[1]:
            return Missing("no Fréchet distance was measured")
        found = gap(name, sides[1], sides[0])
        if isinstance(found, Missing):
            return found
        values = f"{found.theirs:.3g} for {better}, {found.ours:.3g} for {worse}"
        said = f"{name} at {steps} steps {values}: {worse} - {better} = {found}"
        return Answer(found.verdict(), said, found.cells)

    return judge
