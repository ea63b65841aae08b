"""Flips of training images: masks with them, left becoming right, drawn by sample and step alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.pixels import IGNORE
from symmbench.symmflow.recipe import DataConfig
from symmbench.symmflow.train.feed import flip

IDS = [f"s{i}" for i in range(400)]
IMAGES = torch.from_numpy(np.random.default_rng(0).standard_normal((400, 3, 4, 6)).astype(np.float32))
MASKS = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (400, 4, 6)))
MASKS[:, 0, 0] = IGNORE
TURNED = [0, 2, 1]
"""Background stays, left and right change places."""


def flipped(share: float, labels: torch.Tensor = MASKS, mirrored: list[int] | None = TURNED) -> list[torch.Tensor]:
    return list(flip(IMAGES, labels, DataConfig(flip=share), Draws(0, IDS, "train/1"), mirrored))


def test_all_or_none() -> None:
    images, masks = flipped(0)
    assert images is IMAGES and masks is MASKS
    images, masks = flipped(1)
    assert torch.equal(images, IMAGES.flip(-1))
    wanted = MASKS.flip(-1).clone()
    wanted[MASKS.flip(-1) == 1], wanted[MASKS.flip(-1) == 2] = 2, 1
    assert torch.equal(masks, wanted) and (masks[:, 0, -1] == IGNORE).all()


def test_a_share_is_drawn_by_the_samples_and_the_step() -> None:
    images, masks = flipped(0.3)
    turned = (images != IMAGES).flatten(1).any(1)
    assert 0.2 < turned.float().mean() < 0.4
    assert torch.equal(images[turned], IMAGES[turned].flip(-1)) and torch.equal(masks[~turned], MASKS[~turned])
    few = flip(IMAGES[7:9], MASKS[7:9], DataConfig(flip=0.3), Draws(0, IDS[7:9], "train/1"), TURNED)
    assert torch.equal(few[0], images[7:9]) and torch.equal(few[1], masks[7:9])
    later, _ = flip(IMAGES, MASKS, DataConfig(flip=0.3), Draws(0, IDS, "train/2"), TURNED)
    assert not torch.equal(later, images)


def test_classes_of_images_stay_unless_they_are_left_or_right() -> None:
    labels = torch.arange(400) % 3
    assert torch.equal(flipped(1, labels, None)[1], labels)
    assert torch.equal(flipped(1, labels)[1], torch.tensor(TURNED)[labels])


def test_points_cannot_be_flipped() -> None:
    with pytest.raises(InputError, match="flips images; remove it from a recipe for points"):
        flip(torch.zeros(2, 2), torch.zeros(2).long(), DataConfig(flip=0.5), Draws(0, IDS[:2]))
