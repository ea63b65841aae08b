"""What every method behind the interface must keep, checked by running it on a few real samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import datasets, methods
from ...datasets import Card, Split
from ...methods import Classification, Foreign, Method, Segmentation
from ...symmflow.errors import InputError
from ...symmflow.noise import Draws
from ...symmflow.solvers import ADAPTIVE
from ..run.cost import EvaluationCounter

if TYPE_CHECKING:
    from torch import Tensor

STEPS = (None, 2, 3, 25, 100)
"""Tried in this order; the first two that the method supports are taken."""
COUNT = 5
DIFFERING = 0.002
"""Share of values that rounding may move between batch sizes."""
FORM, OBLONG = "the result has the form of the interface", "segments an image that is not square"


@dataclass(frozen=True)
class Check:
    """One rule. `ok` None: it does not apply here, and `said` is why."""

    task: str
    rule: str
    ok: bool | None
    said: str = ""


def conformance(load: Callable[[str], Method], data: Split, device: str = "cpu") -> Iterator[Check]:
    """Check a method on the first samples of `data`; `load(device)` gives it."""
    import torch

    method = load(device)
    for task in methods.TASKS:
        support = [method.supports(task, steps, data.card) for steps in STEPS]
        silent = [s for s in support if not s and not s.reason]
        yield Check(task, "says why it does not support something", not silent)
        steps = _steps(method, task, data.card)
        if steps == ():
            yield _refuses(method, task, data, device)
            continue
        with torch.inference_mode():
            yield from _checks(method, load, task, steps, data, device)


def _steps(method: Method, task: str, card: Card) -> tuple[int | None, ...]:
    """The first two step counts that it supports; (None,) for a method without steps; () if there is none."""
    found = [s for s in STEPS if (s is None) == method.stepless and method.supports(task, s, card)]
    return tuple(found[:2])


def _checks(
    method: Method, load: Callable[[str], Method], task: str, steps: tuple[int | None, ...], data: Split, device: str
) -> Iterator[Check]:
    import torch

    card, positions = data.card, list(range(COUNT))
    counter = EvaluationCounter()
    try:
        with counter.watch(method.networks):
            results = list(_call(method, task, data, positions, steps, device))
    except Exception as error:
        yield Check(task, "a supported task works", False, f"{type(error).__name__}: {error}")
        return
    yield Check(task, "a supported task works", True, f"{COUNT} samples")
    yield Check(task, "one result a step count", len(results) == len(steps), f"{len(results)} for {len(steps)}")
    if not results:
        return
    forms = [_guarded(task, FORM, partial(_form, task, result, card)) for result in results]
    yield next((form for form in forms if not form.ok), forms[0])
    if not all(form.ok for form in forms):
        return
    solver = _solver(method, task)
    declared = [method.nfe(task, s, solver) for s in steps]
    found, expected = counter.rows / COUNT, sum(n for n in declared if n is not None)
    right = None in declared or found == expected
    yield Check(task, "network evaluations as declared", right, f"{found:g} for {steps}, declared {expected}")

    def first(order: list[int], on: str = device) -> Tensor:
        return values(next(_call(method if on == device else load(on), task, data, order, steps, on))).cpu()

    def compared(rule: str, make: Callable[[], Tensor], **limits: float) -> Check:
        return _guarded(task, rule, lambda: _agree(task, rule, values(results[0]).cpu(), make(), **limits))

    yield compared("the same seed and ids give the same result", lambda: first(positions), tolerance=0.0, differing=0.0)
    yield compared("a batch of one gives the same result", lambda: torch.cat([first([i]) for i in positions]))
    yield compared("the order of a batch does not matter", lambda: first(positions[::-1]).flip(0))
    for other in method.solvers(task)[1:]:
        yield _guarded(task, f"works with {other}", partial(_solves, method, task, other, data, device))
    if task == "ss":
        yield _guarded(task, OBLONG, partial(_other_size, method, data, steps, device))
    rule = "CUDA agrees with the CPU"
    if device == "cpu" and torch.cuda.is_available():
        yield compared(rule, lambda: first(positions, "cuda"), tolerance=1e-3, differing=0.01)
    elif device == "cpu":
        yield Check(task, rule, None, "no CUDA device")


def _guarded(task: str, rule: str, check: Callable[[], Check]) -> Check:
    """A rule that breaks the method is one that it does not keep."""
    try:
        return check()
    except Exception as error:
        return Check(task, rule, False, f"it breaks with {type(error).__name__}: {error}")


def values(result: Any) -> Tensor:
    """What of a result is compared: masks, images, or the scores of classes."""
    if isinstance(result, Classification):
        return result.scores
    return result.classes if isinstance(result, Segmentation) else result


def _solver(method: Method, task: str) -> str:
    return next(iter(method.solvers(task)), "none")


def _solves(method: Method, task: str, solver: str, data: Split, device: str) -> Check:
    """Another solver gives as many results from a batch of two."""
    steps: tuple[int | None, ...] = (None,) if solver in ADAPTIVE else (2,)
    made = values(next(_call(method, task, data, [0, 1], steps, device, solver)))
    right = len(made) == 2 and bool(made.float().isfinite().all())
    return Check(task, f"works with {solver}", right, f"{tuple(made.shape)}")


def _call(
    method: Method,
    task: str,
    data: Split,
    positions: list[int],
    steps: tuple[int | None, ...],
    device: str,
    solver: str | None = None,
) -> Iterator[Any]:
    import torch

    batch = data.batch(positions)
    inputs = torch.from_numpy(batch.labels if task == "sis" else batch.images).to(device)
    call: Callable[..., Iterator[Any]] = getattr(method, methods.TASKS[task])
    return iter(call(inputs, steps=steps, solver=solver or _solver(method, task), noise=Draws(0, batch.ids)))


def _refuses(method: Method, task: str, data: Split, device: str) -> Check:
    rule = "an unsupported task refuses"
    try:
        next(_call(method, task, data, [0], (25,), device))
    except (
        TypeError,
        NotImplementedError,
        InputError,
    ) as error:  # the ways in which methods, also foreign ones, refuse
        return Check(task, rule, True, type(error).__name__)
    except Exception as error:
        return Check(task, rule, False, f"it breaks with {type(error).__name__}: {error}")
    return Check(task, rule, False, "it gave a result")


def _form(task: str, result: Any, card: Card) -> Check:
    """Type, shape, dtype and range."""
    import torch

    rule, k = FORM, len(card.classes)
    if task == "sis":
        if (
            not isinstance(result, torch.Tensor)
            or result.shape != (COUNT, *card.shape)
            or result.dtype != torch.float32
        ):
            return Check(task, rule, False, f"not float32 {(COUNT, *card.shape)}")
        if not result.isfinite().all():
            return Check(task, rule, False, "not finite")
        return Check(task, rule, card.is_points or bool(result.abs().max() <= 1), "images in [-1, 1]")
    if not isinstance(result, Segmentation if task == "ss" else Classification):
        return Check(task, rule, False, f"a {type(result).__name__}")
    shape = (COUNT, *card.size) if task == "ss" else (COUNT,)
    classes = result.classes
    if classes.dtype != torch.int64 or classes.shape != shape or classes.min() < 0 or classes.max() >= k:
        return Check(task, rule, False, f"classes are not int64 {shape} in 0-{k - 1}")
    if isinstance(result, Classification):
        if result.scores.shape != (COUNT, k) or not result.scores.isfinite().all() or not result.scale:
            return Check(task, rule, False, f"scores are not finite [{COUNT}, {k}] with a scale")
        if not torch.equal(result.scores.argmax(dim=1), classes):
            return Check(task, rule, False, "the best score is not the class")
    return Check(task, rule, True, f"int64 {tuple(classes.shape)}")


def _agree(task: str, rule: str, a: Tensor, b: Tensor, tolerance: float = 1e-4, differing: float = DIFFERING) -> Check:
    if a.shape != b.shape:
        return Check(task, rule, False, f"{tuple(b.shape)} instead of {tuple(a.shape)}")
    off = (a.float() - b.float()).abs()
    allowed = tolerance * float(a.abs().max()) if a.is_floating_point() else 0.0  # scores have scales of their own
    share = float((off > allowed).float().mean())
    return Check(task, rule, share <= differing, f"{share:.2%} of the values differ")


def _other_size(method: Method, data: Split, steps: tuple[int | None, ...], device: str) -> Check:
    import torch

    if not method.any_size:
        return Check("ss", OBLONG, None, "it does not claim to")
    batch = data.batch([0, 1])
    wide = torch.from_numpy(batch.images).repeat(1, 1, 1, 2).to(device)  # [2, C, H, 2 W]
    made = next(iter(method.segment(wide, steps=steps, solver=_solver(method, "ss"), noise=Draws(0, batch.ids))))
    return Check("ss", OBLONG, made.classes.shape == (2, *wide.shape[2:]), f"{tuple(made.classes.shape)}")


def check_method(
    name: str,
    dataset: str,
    checkpoint: str | None = None,
    data_root: Path | None = None,
    device: str = "cpu",
    trust: bool = False,
) -> list[Check]:
    """Conformance of a method with its bundled or a given checkpoint."""
    kind, opened = methods.method(name), methods.checkpoint(name, dataset, checkpoint, trust)
    if not isinstance(opened, Foreign) and opened.recipe.dataset != dataset:
        raise InputError(f"the checkpoint was trained on {opened.recipe.dataset}, not on {dataset}; check it there.")
    card = datasets.card(dataset)
    data = datasets.load(dataset, "test", data_root).first(COUNT)
    return list(conformance(lambda where: kind.load(opened, card, where), data, device))
