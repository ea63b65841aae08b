"""A sample that comes twice in a training step: at the border of two epochs, or of data fewer than a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from symmbench.datasets import Batch
from symmbench.symmflow.noise import Draws
from symmbench.symmflow.recipe import DataConfig, OptimizerConfig, Recipe, ScheduleConfig, TrainConfig
from symmbench.symmflow.train.feed import Feed


class Five:
    """Five images, each of one value."""

    def __len__(self) -> int:
        return 5

    def batch(self, index: Any) -> Batch:
        index = np.asarray(index)
        images = np.broadcast_to(index[:, None, None, None], (len(index), 1, 4, 4)).astype(np.float32)
        return Batch([f"s{i}" for i in index], images, index % 2)


def recipe(batch: int, accumulate: int = 1) -> Recipe:
    return Recipe(
        name="five", method="symmflow", dataset="five", data=DataConfig(shift=1), optimizer=OptimizerConfig(lr=1e-3),
        schedule=ScheduleConfig(steps=20), train=TrainConfig(batch=batch, accumulate=accumulate, seed=3),
    )  # fmt: skip


def draws_of(feeds: list[Feed], step: int) -> list[tuple[str, torch.Tensor]]:
    """(id, noise) of every row of a step, in the order of the micro-batches and processes."""
    parts = [part for batches in zip(*(feed.steps(step, step + 1) for feed in feeds), strict=True) for part in batches]
    return [pair for part in parts for pair in zip(part.draws.ids, part.draws.normal((3,), "x"), strict=True)]


@pytest.mark.parametrize("batch", [4, 12])
def test_an_id_that_comes_again_in_a_step_gets_other_draws_and_the_first_keeps_its_own(batch: int) -> None:
    repeated = 0
    for step in range(6):
        rows = draws_of([Feed(Five(), recipe(batch))], step)
        assert len({tuple(noise.tolist()) for _, noise in rows}) == batch
        seen: set[str] = set()
        for name, noise in rows:
            plain = Draws(3, [name], scope=f"train/{step}").normal((3,), "x")[0]
            assert torch.equal(noise, plain) == (name not in seen)
            repeated += name in seen
            seen.add(name)
    assert repeated


@pytest.mark.parametrize(("world", "accumulate"), [(2, 1), (1, 2), (2, 2)])
def test_repeats_are_counted_over_the_whole_step_however_it_is_cut(world: int, accumulate: int) -> None:
    for step in range(4):
        cut = draws_of([Feed(Five(), recipe(12, accumulate), rank, world) for rank in range(world)], step)
        whole = draws_of([Feed(Five(), recipe(12))], step)
        assert [name for name, _ in cut] == [name for name, _ in whole]
        assert all(torch.equal(a, b) for (_, a), (_, b) in zip(cut, whole, strict=True))
