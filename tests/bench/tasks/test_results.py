"""What a method gives is held to the interface by every task, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from symmbench import datasets
from symmbench.bench.tasks import Inputs, MethodError, Results, task
from symmbench.methods import Classify, Method, Sampling, Segment, Segmentation, Synthesize
from symmbench.symmflow.noise import Draws

Given = Callable[[torch.Tensor], Any]


class Scripted(Method):
    """Draws and segments as it is told."""

    name, title = "scripted", "Scripted"
    tasks = (Classify(), Segment(), Synthesize())
    draws: Given = staticmethod(lambda labels: torch.zeros(len(labels), 1, 32, 32))
    sees: Given = staticmethod(lambda images: Segmentation(torch.zeros(len(images), 32, 32, dtype=torch.int64)))

    @classmethod
    def network(cls, recipe: Any, card: Any) -> Any: ...

    objective = network

    def synthesize(self, semantics: torch.Tensor, sampling: Sampling) -> Iterator[torch.Tensor]:
        yield from (self.draws(semantics) for _ in sampling.steps)

    def segment(self, images: torch.Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        yield from (self.sees(images) for _ in sampling.steps)


def results(name: str, **script: Given) -> list[Any]:
    """Of three samples at two step counts."""
    card = datasets.card("digit-scenes")
    kind = type("Told", (Scripted,), {key: staticmethod(made) for key, made in script.items()})
    method = kind(torch.nn.Identity(), None, card)
    batch = datasets.load("digit-scenes", "test").batch(range(3))
    inputs = Inputs(torch.from_numpy(batch.images), torch.from_numpy(batch.labels))
    asked = Sampling(Draws(0, batch.ids), (1, 2), "euler")
    return list(Results(task(name), method, card, inputs, asked, "round").each())


def drawn(**changes: Any) -> Given:
    shape = changes.pop("shape", datasets.card("digit-scenes").shape)
    return lambda labels: torch.full((len(labels), *shape), changes.get("value", 0.0), dtype=changes.get("dtype"))


def seen(value: int = 0, size: tuple[int, ...] = (32, 32), dtype: torch.dtype = torch.int64) -> Given:
    return lambda images: Segmentation(torch.full((len(images), *size), value, dtype=dtype))


WRONG_IMAGES: list[tuple[Given, str]] = [
    (drawn(value=1.5), r"not in \[-1, 1\]"),
    (drawn(value=float("nan")), "images that are not finite"),
    (drawn(dtype=torch.float64), "images of torch.float64, not float32"),
    (drawn(dtype=torch.bfloat16), "images of torch.bfloat16, not float32"),
    (drawn(shape=(1, 8, 8)), r"images that are not \[3, \d, 32, 32\]"),
    (lambda labels: drawn()(labels[:1]), r"images that are not \[3, \d, 32, 32\]"),
    (lambda labels: drawn()(labels).numpy(), "images that are not"),
]
WRONG_MASKS: list[tuple[Given, str]] = [
    (seen(11), "not in 0-10"),
    (seen(-1), "not in 0-10"),
    (seen(size=(16, 16)), r"not int64 \[3, 32, 32\]"),
    (seen(dtype=torch.int32), r"not int64 \[3, 32, 32\]"),
    (lambda images: seen()(images).classes, "a Tensor instead of a Segmentation"),
]


@pytest.mark.parametrize(("made", "said"), WRONG_IMAGES)
@pytest.mark.parametrize("name", ["sis", "cycle"])
def test_wrong_images_are_refused_by_the_task_and_by_the_cycle(name: str, made: Given, said: str) -> None:
    with pytest.raises(MethodError, match=f"^scripted gives .*{said}.*; `bench check scripted`"):
        results(name, draws=made)


@pytest.mark.parametrize(("made", "said"), WRONG_MASKS)
@pytest.mark.parametrize("name", ["ss", "cycle"])
def test_wrong_masks_are_refused_by_the_task_and_by_the_cycle(name: str, made: Given, said: str) -> None:
    with pytest.raises(MethodError, match=f"^scripted gives .*{said}"):
        results(name, sees=made, draws=drawn())


def test_right_ones_pass() -> None:
    assert [tuple(made.shape[2:]) for made in results("sis", draws=drawn(value=-1.0))] == [(32, 32)] * 2
    assert len(results("ss", sees=seen(10))) == 2 and len(results("cycle", sees=seen(), draws=drawn())) == 2


def test_autocast_may_give_its_own_dtype() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert len(results("sis", draws=drawn(dtype=torch.bfloat16))) == 2
        with pytest.raises(MethodError, match=r"torch\.float16"):
            results("sis", draws=drawn(dtype=torch.float16))


@pytest.mark.parametrize("name", ["sis", "ss", "cycle"])
def test_inputs_stay_as_they_are(name: str) -> None:
    with pytest.raises(MethodError, match="scripted changes its inputs"):
        results(name, draws=lambda labels: drawn()(labels.zero_()), sees=lambda images: seen()(images.zero_()))
