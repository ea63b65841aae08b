"""Kernels round by the shape of a batch, so a judge sees one shape: in whole batches, in the last one, alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symmbench import datasets
from symmbench.bench.judges import lpips_alex
from symmbench.bench.tasks import Look, task

SIZE = 4


def watched(judge: Callable[..., np.ndarray], shapes: list[tuple[int, ...]]) -> Callable[..., np.ndarray]:
    def seen(*images: np.ndarray) -> np.ndarray:
        shapes.extend(batch.shape for batch in images)
        return judge(*images)

    return seen


def look(shapes: list[tuple[int, ...]]) -> Look:
    lpips = lpips_alex.as_distance(lpips_alex.build(), "cpu")
    judges = {
        "lpips": lpips,
        "extractor": lambda x: x.reshape(len(x), -1)[:, :5].astype(np.float32),
        "aligner": lambda x: x[:, 0].astype(np.int64) % 11,
    }
    card = datasets.card("digit-scenes")
    return Look(card, {role: watched(judge, shapes) for role, judge in judges.items()}, SIZE)


def outputs(name: str, draws: int) -> list[Any]:
    """What a method might have made of a padded batch: noise."""
    images = [np.random.default_rng(d).integers(0, 256, (SIZE, 3, 32, 32), dtype=np.uint8) for d in range(draws)]
    masks = np.random.default_rng(9).integers(0, 11, (SIZE, 32, 32))
    return [(image, masks, image) for image in images] if name == "cycle" else images


@pytest.mark.parametrize(("name", "draws"), [("sis", 3), ("cycle", 1)])
def test_the_last_batch_is_judged_in_the_shape_of_the_others_and_says_the_same(name: str, draws: int) -> None:
    shapes: list[tuple[int, ...]] = []
    eyes, batch = look(shapes), datasets.load("digit-scenes", "test").batch([0, 1, 2, 2])
    whole = task(name).rows(batch, SIZE, outputs(name, draws), eyes)["samples"]
    last = task(name).rows(batch, 3, outputs(name, draws), eyes)["samples"]
    assert shapes and set(shapes) == {(SIZE, 3, 32, 32)}
    columns = [column for column in whole if "lpips" in column or "features" in column]
    assert columns
    kept = np.arange(len(whole["id"])) % SIZE < 3  # a block of rows a draw
    for column in columns:
        a, b = np.stack(list(whole[column]))[kept], np.stack(list(last[column]))
        rows = np.arange(len(b)) % 3 < 2  # the padding repeats the third
        assert np.array_equal(a[rows], b[rows]), column


def test_a_sample_that_is_taken_alone_is_judged_in_the_same_shape() -> None:
    shapes: list[tuple[int, ...]] = []
    eyes, batch = look(shapes), datasets.load("digit-scenes", "test").batch([0])
    made = task("sis").rows(batch, 1, [image[:1] for image in outputs("sis", 2)], eyes)["samples"]
    assert set(shapes) == {(SIZE, 3, 32, 32)} and len(made["id"]) == 2
