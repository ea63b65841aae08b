"""The paper's figure stands beside the paper's own cell alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symmbench import methods
from symmbench.bench.compare.rows import Row
from symmbench.bench.compare.tables import tables
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep
from symmbench.bench.run.training import Training, run_training

SPIRALS = "two-spirals/symmflow"


def row(out: Path, **asked: Any) -> Row:
    wanted = {"tasks": ["cls"], "datasets": ["two-spirals"], "steps": [1], "device": "cpu", "batch_size": 256}
    request = Request(out=out, **(wanted | asked))
    (table,) = tables(sweep(plan(request), request).cells)
    (found,) = table.rows
    return found


def test_a_whole_test_split_by_the_papers_recipe_has_the_papers_figure(tmp_path: Path) -> None:
    assert row(tmp_path).paper == {"accuracy": 1.0}
    assert row(tmp_path, limit=2000).paper == {"accuracy": 1.0}  # that is all of it
    assert row(tmp_path, steps=[3]).paper == {}


@pytest.mark.parametrize("asked", [{"limit": 10}, {"split": "train"}, {"precision": "bf16"}, {"solver": "heun"}])
def test_another_cell_has_none(tmp_path: Path, asked: dict[str, Any]) -> None:
    assert row(tmp_path, **asked).paper == {}


@pytest.mark.parametrize(
    ("overrides", "max_steps"),
    [({}, 3), ({"schedule.steps": 3, "schedule.warmup": 1}, None), ({"optimizer.lr": 1e-4}, 3)],
)
def test_nor_has_another_training(tmp_path: Path, overrides: dict[str, Any], max_steps: int | None) -> None:
    run_training(Training(recipe=SPIRALS, overrides=overrides, max_steps=max_steps, out=tmp_path / "run", device="cpu"))
    found = row(tmp_path / "r", checkpoint=str(tmp_path / "run"))
    assert found.record.checkpoint.recipe == SPIRALS and found.record.checkpoint.trained_steps == 3
    assert found.paper == {}


def test_a_recipe_is_the_same_whatever_is_said_of_it_and_however_it_is_saved() -> None:
    own = methods.recipe(SPIRALS).hash
    for same in ({"notes": "x"}, {"train.checkpoint_every": 7}, {"train.accumulate": 2}, {"train.seed": 1}):
        assert methods.recipe(SPIRALS, dict(same)).hash == own
    for other in ({"optimizer.lr": 1e-4}, {"train.ema": 0.9}, {"network.depth": 3}, {"labels.eta": 4}):
        assert methods.recipe(SPIRALS, dict(other)).hash != own
