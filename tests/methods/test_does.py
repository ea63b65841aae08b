"""What methods declare, and the questions that are answered from it."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from symmbench import datasets, methods
from symmbench.methods import Does, Method, Sampling, Segment, Support, Synthesize, no
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.recipe import Recipe, Table


class Inference(Table):
    strength: float = 1.0
    other: int = 0


class Painter(Method):
    """Declares two tasks; runs none."""

    name, title = "painter", "Painter"
    tasks = (Segment(("dopri5", "euler"), options=()), Synthesize(("heun",), options=("strength",), labels="masks"))
    Inference = Inference

    @classmethod
    def can(cls, does: Does, steps: int | None, card: datasets.Card) -> Support:
        return no("seven is unlucky") if steps == 7 else super().can(does, steps, card)

    @classmethod
    def network(cls, recipe: Recipe, card: datasets.Card) -> torch.nn.Module:
        return torch.nn.Identity()

    objective = network  # type: ignore[assignment]

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[methods.Segmentation]:
        self.require(Segment)
        yield methods.Segmentation(images.argmax(1))


@pytest.mark.parametrize(
    ("task", "dataset", "steps", "reason"),
    [
        ("ss", "digit-scenes", 5, ""),
        ("sis", "digit-scenes", None, ""),
        ("cls", "digits", 5, "it only segments and synthesizes"),
        ("ss", "digits", 5, "digits has no masks"),
        ("sis", "digits", 5, "digits has no masks"),
        ("sis", "two-spirals", 5, "two-spirals has points, not images"),
        ("ss", "digit-scenes", 7, "seven is unlucky"),
        ("ss", "digits", 7, "digits has no masks"),  # what the data lack comes before what is the method's own
    ],
)
def test_a_refusal_says_what_is_missing(task: str, dataset: str, steps: int | None, reason: str) -> None:
    found = Painter.supports(task, steps, datasets.card(dataset))
    assert (bool(found), found.reason) == (not reason, reason)


def test_classes_are_refused_masks() -> None:
    found = methods.method("cnn").supports("cls", None, datasets.card("digit-scenes"))
    assert not found and found.reason == "digit-scenes has masks, not one class an image"


def test_points_are_for_those_that_take_them() -> None:
    card = datasets.card("two-spirals")
    able = {name for name in methods.names() if methods.method(name).supports("cls", 25, card)}
    assert able == {"symmflow", "outputs"}  # class scores of anybody's code, of whatever data


def test_solvers_and_options_are_those_declared() -> None:
    assert Painter.solvers("ss") == ("dopri5", "euler") and Painter.solvers("sis") == ("heun",)
    assert Painter.inference_fields("ss") == () and Painter.inference_fields("sis") == ("strength",)
    assert Painter.solvers("cls") == () and Painter.inference_fields("cls") == ()
    assert methods.method("cnn").solvers("cls") == ()  # without steps there is nothing to solve
    assert methods.method("diffusion-classifier").inference_fields("cls") == ("keep", "samples", "error")


def test_a_task_that_cannot_be_done_is_refused_when_called() -> None:
    sampling, images = Sampling(Draws(0, ["a"]), (1,), "euler"), torch.zeros(1, 3, 4, 4)
    digits = Painter(torch.nn.Identity(), methods.recipe("digits/symmflow"), datasets.card("digits"))
    with pytest.raises(TypeError, match="painter cannot segment: digits has no masks"):
        next(digits.segment(images, sampling))
    with pytest.raises(TypeError, match="does not classify"):
        digits.classify(images, sampling)


def test_every_method_has_a_function_for_each_task_that_it_declares_and_no_other() -> None:
    for kind in map(methods.method, methods.names()):
        own = {does.verb for does in methods.TASKS if getattr(kind, does.verb) is not getattr(Method, does.verb)}
        assert own == {does.verb for does in kind.tasks} and kind.version >= 1
        assert all(set(kind.inference_fields(does.task)) <= set(kind.Inference.model_fields) for does in kind.tasks)


def test_a_task_is_called_by_the_name_of_its_function() -> None:
    assert [(does.task, does.verb) for does in methods.TASKS] == [
        ("cls", "classify"),
        ("ss", "segment"),
        ("sis", "synthesize"),
    ]


def test_a_method_says_what_its_sampling_lacks() -> None:
    draws = Draws(0, ["a"])
    assert Sampling(draws, (1, 5)).counts == (1, 5) and Sampling(draws).counts == ()
    with pytest.raises(InputError, match="whole numbers"):
        _ = Sampling(draws, ("adaptive",)).counts
    with pytest.raises(InputError, match="name a solver"):
        _ = Sampling(draws, (1,)).solved_by


def test_steps_of_cells_become_those_of_a_sampling() -> None:
    from symmbench.bench.run.sampling import sampling

    draws = Draws(0, ["a"])
    assert sampling(draws, (1, 5), "euler", draw=2) == Sampling(draws, (1, 5), "euler", 2)
    assert sampling(draws, (None,), "dopri5").steps == ("adaptive",)
    assert sampling(draws, (None,), None) == Sampling(draws)
