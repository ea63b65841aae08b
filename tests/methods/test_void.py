"""Pixels without a label: the colour that a recipe gives them, and that a flow learns them with the rest."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from symmbench import datasets, methods
from symmbench.methods.parts.labels import label_codec
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.pixels import IGNORE

CARD = datasets.card("digit-scenes")


@pytest.mark.parametrize("recipe", ["digit-scenes/symmflow", "digit-scenes/semflow"])  # a palette, anchors
def test_void_is_mid_grey_unless_the_recipe_says_otherwise(recipe: str) -> None:
    mask = torch.tensor([[[0, IGNORE], [3, IGNORE]]])
    for chosen, value in (({}, 0.0), ({"labels.void": [255, 255, 255]}, 1.0), ({"labels.void": [0, 0, 0]}, -1.0)):
        signal = label_codec(methods.recipe(recipe, dict(chosen)).labels, CARD).encode(mask, (2, 2))
        assert (signal[0, :, :, 1] == value).all()
        plain = label_codec(methods.recipe(recipe).labels, CARD).encode(mask, (2, 2))
        assert torch.equal(signal[0, :, :, 0], plain[0, :, :, 0])  # the classes keep their colours


def test_white_void_stays_in_the_loss_of_semflow() -> None:
    seen: list[Tensor] = []

    def network(z: Tensor, t: Tensor) -> Tensor:
        seen.append(z)
        return torch.zeros_like(z)

    images, masks = torch.zeros(1, 3, 32, 32), torch.full((1, 32, 32), IGNORE)
    for void, expected in (([255, 255, 255], 1.0), (None, 0.0)):
        chosen = {"labels.beta": 0.0} | ({"labels.void": void} if void else {})
        objective = methods.method("semflow").objective(methods.recipe("digit-scenes/semflow", chosen), CARD)
        loss, _ = objective.loss(network, images, masks, Draws(0, ["a"]))
        assert loss.item() == pytest.approx(expected)  # the whole velocity, mask - image, is the void colour


@pytest.mark.parametrize(
    ("void", "said"), [([255], "labels.void has 1 values; choose 3"), ([0, 0, 300], r"labels\.void\.2.*255")]
)
def test_a_void_that_is_no_colour_is_refused(void: list[int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        label_codec(methods.recipe("digit-scenes/semflow", {"labels.void": void}).labels, CARD)
