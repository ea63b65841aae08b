"""What a step sees."""

from typing import Any

import pytest
import torch

from symmbench.symmflow.noise import Draws
from symmbench.symmflow.recipe import DataConfig
from symmbench.symmflow.train.feed import Feed, augment


@pytest.mark.parametrize(("world", "accumulate"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_a_step_sees_the_same_samples_however_it_is_cut(world: int, accumulate: int, blobs: Any, recipe: Any) -> None:
    chosen = recipe(accumulate=accumulate)
    feeds = [Feed(blobs, chosen, rank, world) for rank in range(world)]
    steps: list[list[str]] = []
    for step in range(6):
        parts = [batch for feed in feeds for batch in feed.steps(step, step + 1)]
        assert len(parts) == world * accumulate and {part.draws.scope for part in parts} == {f"train/{step}"}
        assert all(len(part.images) == len(part.draws.ids) == 4 // world // accumulate for part in parts)
        steps.append(sorted(sample for part in parts for sample in part.draws.ids))
    whole = Feed(blobs, recipe())
    assert steps == [sorted(batch.draws.ids) for batch in whole.steps(0, 6)]
    for epoch in (steps[:3], steps[3:]):  # twelve samples in batches of four
        assert sorted(sample for step in epoch for sample in step) == sorted(f"s{i}" for i in range(12))


def test_augmentation_moves_images_and_masks_together() -> None:
    mask = torch.zeros(6, 16, 16, dtype=torch.long)
    mask[:, 4:12, 6:10] = 1
    images = mask[:, None].float()
    draws = Draws(0, [str(i) for i in range(6)])
    moved, moved_mask = augment(images, mask, DataConfig(shift=3, rotate=10, scale=0.1), draws)
    assert not torch.equal(moved_mask, mask)
    assert ((moved[:, 0] > 0.5).long() != moved_mask).float().mean() < 0.03
    same, same_mask = augment(images, mask, DataConfig(), draws)
    assert torch.equal(same, images) and torch.equal(same_mask, mask)


def test_shift_is_in_pixels() -> None:
    images = torch.zeros(50, 1, 9, 9)
    images[:, :, 4, 4] = 1
    moved, _ = augment(
        images, torch.zeros(50, dtype=torch.long), DataConfig(shift=2), Draws(0, [str(i) for i in range(50)])
    )
    grid = torch.arange(9.0)
    centre = (moved[:, 0].sum(1) * grid).sum(1) / moved[:, 0].sum((1, 2))
    assert 1.5 < (centre - 4).abs().max() <= 2.01
