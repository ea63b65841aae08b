"""Every bundled method through the one interface."""

import pytest
import torch

from symmbench import datasets, methods
from symmbench.bench.cost import EvaluationCounter
from symmbench.methods import Method
from symmbench.methods.registry import CHECKPOINTS
from symmbench.symmflow.noise import Draws

CASES = sorted(str(p.parent.relative_to(CHECKPOINTS)) for p in CHECKPOINTS.glob("*/*/checkpoint.json"))
CASES = [c for c in CASES if not c.startswith("digit-presence")]


def load(name: str, device: str = "cpu") -> tuple[Method, str]:
    dataset, method = name.split("/")
    checkpoint = methods.checkpoint(method, dataset)
    return methods.method(method).load(checkpoint, datasets.card(dataset), device), dataset


def call(method: Method, task: str, dataset: str, count: int, steps: int | None, device: str = "cpu") -> torch.Tensor:
    batch = datasets.load(dataset, "test").batch(range(count))
    noise = Draws(0, batch.ids)
    with torch.inference_mode():
        if task == "cls":
            result = next(
                method.classify(torch.from_numpy(batch.images).to(device), steps=(steps,), solver="euler", noise=noise)
            )
            assert result.scores.shape == (count, len(datasets.card(dataset).classes)) and result.scale
            assert torch.equal(result.scores.argmax(1), result.classes)
            return result.classes
        if task == "ss":
            return next(
                method.segment(torch.from_numpy(batch.images).to(device), steps=(steps,), solver="euler", noise=noise)
            ).classes
        return next(
            method.synthesize(torch.from_numpy(batch.labels).to(device), steps=(steps,), solver="euler", noise=noise)
        )


@pytest.mark.parametrize("name", CASES)
def test_declared_tasks_work_and_undeclared_ones_refuse(name: str) -> None:
    method, dataset = load(name)
    card = datasets.card(dataset)
    steps = None if method.stepless else 2
    for task in methods.TASKS:
        support = method.supports(task, steps, card)
        if not support:
            assert support.reason
            continue
        if task == "sis" and card.is_points:
            continue
        counter = EvaluationCounter()
        with counter.watch(method.networks):
            out = call(method, task, dataset, 3, steps)
        assert counter.rows == 3 * (steps or 1)
        if task == "sis":
            assert out.shape == (3, *card.shape) and out.dtype == torch.float32 and out.abs().max() <= 1
        else:
            assert out.dtype == torch.int64 and out.shape == ((3, *card.size) if task == "ss" else (3,))
            assert out.min() >= 0 and out.max() < len(card.classes)


@pytest.mark.parametrize("name", CASES)
def test_results_repeat_and_do_not_depend_on_the_batch(name: str) -> None:
    method, dataset = load(name)
    card = datasets.card(dataset)
    steps = None if method.stepless else 3
    for task in card.tasks:
        if not method.supports(task, steps, card):
            continue
        whole, again = (call(method, task, dataset, 6, steps).float() for _ in range(2))
        assert torch.equal(whole, again)
        alone = call(method, task, dataset, 1, steps).float()
        tolerance = 1e-4 if task == "sis" else 0.0
        differing = ((alone[0] - whole[0]).abs() > tolerance).float().mean()
        assert differing <= 0.002


@pytest.mark.parametrize("name", CASES)
@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(name: str) -> None:
    (cpu, dataset), (cuda, _) = load(name), load(name, "cuda")
    card = datasets.card(dataset)
    steps = None if cpu.stepless else 3
    for task in card.tasks:
        if cpu.supports(task, steps, card):
            a = call(cpu, task, dataset, 16, steps).float()
            b = call(cuda, task, dataset, 16, steps, "cuda").float().cpu()
            assert ((a - b).abs() > (1e-3 if task == "sis" else 0)).float().mean() <= 0.005


def test_seeds_and_draws_change_a_synthesis() -> None:
    method, _ = load("digits/symmflow")
    labels, ids = torch.tensor([3, 3]), ["a", "b"]
    with torch.inference_mode():
        make = lambda seed, draw: next(  # noqa: E731
            method.synthesize(labels, steps=(2,), solver="euler", noise=Draws(seed, ids), draw=draw)
        )
        base = make(0, 0)
        assert not torch.equal(base, make(1, 0)) and not torch.equal(base, make(0, 1)) and torch.equal(base, make(0, 0))
        assert not torch.equal(base[0], base[1])
