"""What every method behind the interface must keep, checked by running it on a few real samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import datasets, methods
from ...datasets import Card, Split
from ...methods import Foreign, Method, Sampling
from ...symmflow.device import exact_kernels, resolve_device
from ...symmflow.errors import InputError
from ...symmflow.guests import Guest, said
from ...symmflow.noise import Draws
from ...symmflow.solvers import ADAPTIVE, Steps
from ..run.cost import EvaluationCounter
from ..tasks import Inputs, MethodError, Results, Task, all_tasks

if TYPE_CHECKING:
    from torch import Tensor

STEPS = (2, 3, 25, 100)
"""Tried in this order; the first two that the method supports are taken."""
COUNT = 5
DIFFERING = 0.002
"""Share of values that rounding may move between batch sizes."""
FORM, OBLONG = "the result has the form of the interface", "segments an image that is not square"
INPUTS = "the inputs stay as they are"


@dataclass(frozen=True)
class Check:
    """One rule. `ok` None: it does not apply here, and `said` is why."""

    task: str
    rule: str
    ok: bool | None
    said: str = ""


@dataclass(frozen=True)
class _Subject:
    """A method on some samples of a data set, for one task."""

    task: Task
    load: Callable[[str], Method]
    method: Method
    data: Split
    device: str

    @property
    def card(self) -> Card:
        return self.data.card

    @property
    def solver(self) -> str | None:
        return next(iter(self.method.solvers(self.task.name)), None)

    def results(
        self, positions: list[int], steps: tuple[Steps, ...], solver: str | None = None, on: str | None = None
    ) -> Iterator[Any]:
        """What the method gives for the samples at some positions; `on` another device, it is loaded there."""
        import torch

        device, guest = on or self.device, Guest()
        batch = self.data.batch(positions)
        inputs = Inputs(*(torch.from_numpy(x).to(device) for x in (batch.images, batch.labels)))
        asked = Sampling(Draws(0, batch.ids), steps, solver or self.solver)
        with guest:
            method = self.method if device == self.device else self.load(device)
            made = iter(self.task.results(method, inputs, asked, "round"))
        while True:
            with guest:
                if (result := next(made, None)) is None:
                    return
            yield result

    def check(self, rule: str, ok: bool | None, said: str = "") -> Check:
        return Check(self.task.name, rule, ok, said)

    def guarded(self, rule: str, check: Callable[[], Check]) -> Check:
        """A rule that breaks the method is one that it does not keep."""
        try:
            return check()
        except Exception as error:
            return self.check(rule, False, f"it breaks with {said(error)}")


def conformance(load: Callable[[str], Method], data: Split, device: str = "cpu") -> Iterator[Check]:
    """Check a method on the first samples of `data`; `load(device)` gives it."""
    import torch

    try:
        with Guest():
            method = load(device)
            tasks = [task for task in all_tasks() if len(task.parts(data.card)) == 1]  # the others are made of these
            able = {task: [method.supports(task.name, n, data.card) for n in (None, *STEPS)] for task in tasks}
            subjects = {task: _Subject(task, load, method, data, device) for task in tasks}
            counts = {task: _steps(subject) for task, subject in subjects.items()}
    except InputError:
        raise
    except Exception as error:  # whatever another package raises
        yield Check("–", "it can be loaded, and says what it supports", False, said(error))
        return
    for task, subject in subjects.items():
        silent = [support for support in able[task] if not support and not support.reason]
        yield subject.check("says why it does not support something", not silent)
        if (steps := counts[task]) is None:
            yield _refuses(subject)
            continue
        with torch.inference_mode():
            yield from _checks(subject, steps)


def _steps(s: _Subject) -> tuple[int, ...] | None:
    """The first two step counts that it supports; () for a method without steps; None if it cannot do the task."""
    if s.method.stepless:
        return () if s.method.supports(s.task.name, None, s.card) else None
    return tuple([n for n in STEPS if s.method.supports(s.task.name, n, s.card)][:2]) or None


def _checks(s: _Subject, steps: tuple[int, ...]) -> Iterator[Check]:
    positions = list(range(COUNT))
    counter = EvaluationCounter()
    try:
        with counter.watch(s.method.networks):
            results = list(islice(s.results(positions, steps), (len(steps) or 1) + 1))  # they may never end
    except Exception as error:
        yield s.check("a supported task works", False, said(error))
        return
    yield s.check("a supported task works", True, f"{COUNT} samples")
    wanted = len(steps) or 1
    yield s.check("one result a step count", len(results) == wanted, f"{len(results)} for {wanted}")
    if not results:
        return
    forms = [s.guarded(FORM, partial(_form, s, result)) for result in results]
    yield next((form for form in forms if not form.ok), forms[0])
    if not all(form.ok for form in forms):
        return
    yield _cost(s, steps, counter.rows / COUNT)
    if len(results) == wanted:
        yield s.guarded(INPUTS, partial(_inputs, s, steps))
    yield from _repeats(s, steps, s.task.tensor(results[0]).cpu(), positions)
    for other in s.method.solvers(s.task.name)[1:]:
        yield s.guarded(f"works with {other}", partial(_solves, s, other))
    does = s.method.does(s.task.name)
    if does is not None and hasattr(does, "any_size"):
        yield s.guarded(OBLONG, partial(_other_size, s, steps, does.any_size))


def _form(s: _Subject, result: Any) -> Check:
    fault = s.task.fault(result, s.card, COUNT)
    return s.check(FORM, not fault, fault or str(tuple(s.task.tensor(result).shape)))


def _inputs(s: _Subject, steps: tuple[int, ...]) -> Check:
    """By what every run holds a method to, too."""
    import torch

    batch = s.data.batch([0, 1])
    inputs = Inputs(*(torch.from_numpy(x).to(s.device) for x in (batch.images, batch.labels)))
    asked = Sampling(Draws(0, batch.ids), steps, s.solver)
    try:
        made = list(Results(s.task, s.method, s.card, inputs, asked, "round").each())
    except MethodError as error:
        return s.check(INPUTS, False, str(error).partition(";")[0])
    return s.check(INPUTS, True, f"{len(made)} results of 2 samples")


def _cost(s: _Subject, steps: tuple[int, ...], found: float) -> Check:
    declared = [s.method.nfe(s.task.name, n, s.solver) for n in steps or (None,)]
    expected = sum(n for n in declared if n is not None)
    right = None in declared or found == expected
    said = f"{found:g} for {steps or 'one run'}, declared {expected}"
    return s.check("network evaluations as declared", right, said)


def _repeats(s: _Subject, steps: tuple[int, ...], before: Tensor, positions: list[int]) -> Iterator[Check]:
    """The same again: alone, in another order, on another device."""
    import torch

    def first(order: list[int], on: str | None = None) -> Tensor:
        return s.task.tensor(next(s.results(order, steps, on=on))).cpu()

    def compared(rule: str, make: Callable[[], Tensor], **limits: float) -> Check:
        return s.guarded(rule, lambda: _agree(s, rule, before, make(), **limits))

    yield compared("the same seed and ids give the same result", lambda: first(positions), tolerance=0.0, differing=0.0)
    yield compared("a batch of one gives the same result", lambda: torch.cat([first([i]) for i in positions]))
    yield compared("the order of a batch does not matter", lambda: first(positions[::-1]).flip(0))
    rule = "CUDA agrees with the CPU"
    if s.device == "cpu" and torch.cuda.is_available():
        yield compared(rule, lambda: first(positions, "cuda"), tolerance=1e-3, differing=0.01)
    elif s.device == "cpu":
        yield s.check(rule, None, "no CUDA device")


def _solves(s: _Subject, solver: str) -> Check:
    """Another solver gives as many results from a batch of two."""
    steps: tuple[Steps, ...] = ("adaptive",) if solver in ADAPTIVE else (2,)
    made = s.task.tensor(next(s.results([0, 1], steps, solver)))
    right = len(made) == 2 and bool(made.float().isfinite().all())
    return s.check(f"works with {solver}", right, f"{tuple(made.shape)}")


def _refuses(s: _Subject) -> Check:
    rule = "an unsupported task refuses"
    try:
        next(s.results([0], (25,)))
    except (TypeError, NotImplementedError, InputError) as error:  # how methods, also foreign ones, refuse
        return s.check(rule, True, type(error).__name__)
    except Exception as error:
        return s.check(rule, False, f"it breaks with {said(error)}")
    return s.check(rule, False, "it gave a result")


def _agree(
    s: _Subject, rule: str, a: Tensor, b: Tensor, tolerance: float = 1e-4, differing: float = DIFFERING
) -> Check:
    if a.shape != b.shape:
        return s.check(rule, False, f"{tuple(b.shape)} instead of {tuple(a.shape)}")
    off = (a.float() - b.float()).abs()
    allowed = tolerance * float(a.abs().max()) if a.is_floating_point() else 0.0  # scores have scales of their own
    share = float((off > allowed).float().mean())
    return s.check(rule, share <= differing, f"{share:.2%} of the values differ")


def _other_size(s: _Subject, steps: tuple[int, ...], claimed: bool) -> Check:
    import torch

    if not claimed:
        return s.check(OBLONG, None, "it does not claim to")
    batch = s.data.batch([0, 1])
    wide = torch.from_numpy(batch.images).repeat(1, 1, 1, 2).to(s.device)  # [2, C, H, 2 W]
    made = next(iter(s.method.segment(wide, Sampling(Draws(0, batch.ids), steps, s.solver))))
    return s.check(OBLONG, made.classes.shape == (2, *wide.shape[2:]), f"{tuple(made.classes.shape)}")


def suited(method: str, checkpoint: str | None, trust: bool) -> list[str]:
    """The data sets that a method can be checked on: of its bundled checkpoints, or of the given one."""
    _require_made(method)
    found = [card.name for card in datasets.cards() if method in methods.bundled(card.name) and "test" in card.splits]
    if checkpoint:
        opened = methods.checkpoint(method, "", checkpoint, trust)
        found = [] if isinstance(opened, Foreign) else [opened.recipe.dataset]
    if not found:
        raise InputError(
            f"on what data is {method} to be checked? Give --dataset (and --checkpoint, if none is bundled)."
        )
    return found


def _require_made(method: str) -> None:
    if methods.method(method).ready_made:
        raise InputError(
            f"what {method} gives was made elsewhere, and there is nothing to check; `bench run` reads it."
        )


def check_method(
    name: str,
    dataset: str,
    checkpoint: str | None = None,
    data_root: Path | None = None,
    device: str = "cpu",
    trust: bool = False,
) -> list[Check]:
    """Conformance of a method with its bundled or a given checkpoint."""
    _require_made(name)
    dataset, data_root = datasets.located(dataset, data_root)
    kind, opened = methods.method(name), methods.checkpoint(name, dataset, checkpoint, trust)
    card, device = datasets.card(dataset, data_root), resolve_device(device)
    trained_on = card.name if isinstance(opened, Foreign) else datasets.seen_by(opened.recipe, card, data_root)
    if trained_on != card.name:
        raise InputError(f"the checkpoint was trained on {trained_on}, not on {card.name}; check it there.")
    exact_kernels()
    data = datasets.load(dataset, "test", data_root).first(COUNT)
    return list(conformance(lambda where: kind.load(opened, card, where), data, device))
