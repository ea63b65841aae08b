"""The loop: cut anywhere and gone on with, it ends where an uncut one ends."""

from pathlib import Path
from typing import Any

import pytest
import torch

from symmbench.symmflow.checkpoint import open_checkpoint
from symmbench.symmflow.errors import InputError, OtherRecipe
from symmbench.symmflow.train import Progress


@pytest.mark.parametrize("train", [{}, {"accumulate": 2}, {"precision": "bf16"}])
def test_twenty_steps_equal_ten_and_ten_more_bit_for_bit(
    tmp_path: Path, train: dict[str, object], recipe: Any, trainer: Any, weights: Any
) -> None:
    chosen = recipe(**train)
    trainer(tmp_path / "whole", chosen).train()
    trainer(tmp_path / "parts", chosen).train(max_steps=10)
    torch.manual_seed(999)  # whatever happened in between must not matter
    trainer(tmp_path / "parts", chosen).train()
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == parts.keys() and all(torch.equal(whole[k], parts[k]) for k in whole)
    assert (tmp_path / "whole/checkpoint/training.csv").read_text() == (
        tmp_path / "parts/checkpoint/training.csv"
    ).read_text()


def test_workers_see_the_same_batches(tmp_path: Path, recipe: Any, trainer: Any, weights: Any) -> None:
    chosen = recipe()
    trainer(tmp_path / "none", chosen).train(max_steps=4)
    trainer(tmp_path / "two", chosen, workers=2).train(max_steps=4)
    a, b = weights(tmp_path / "none"), weights(tmp_path / "two")
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_an_interrupt_saves_and_the_next_call_goes_on(tmp_path: Path, recipe: Any, trainer: Any, weights: Any) -> None:
    import os
    import signal

    chosen = recipe()

    def stop(progress: Progress) -> None:
        if progress.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="after step 7"):
        trainer(tmp_path / "cut", chosen, report=stop).train()
    seen: list[int] = []
    trainer(tmp_path / "cut", chosen, report=lambda p: seen.append(p.step)).train()
    trainer(tmp_path / "whole", chosen).train()
    assert seen[0] == 8
    a, b = weights(tmp_path / "cut"), weights(tmp_path / "whole")
    assert all(torch.equal(a[k], b[k]) for k in a)
    logs = [(tmp_path / name / "checkpoint/training.csv").read_text() for name in ("cut", "whole")]
    assert logs[0] == logs[1]  # the row that was cut too


def test_time_that_is_up_ends_in_a_checkpoint_and_the_next_call_goes_on(
    tmp_path: Path, recipe: Any, trainer: Any, weights: Any
) -> None:
    made = trainer(tmp_path / "slow", recipe()).train(max_seconds=0)
    assert made.manifest["trained_steps"] == 1
    trainer(tmp_path / "slow", recipe()).train()
    trainer(tmp_path / "whole", recipe()).train()
    a, b = weights(tmp_path / "slow"), weights(tmp_path / "whole")
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_training_learns(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    chosen = recipe()
    chosen = chosen.model_copy(update={"schedule": chosen.schedule.model_copy(update={"steps": 150})})
    trainer(tmp_path / "run", chosen).train()
    rows = (tmp_path / "run/checkpoint/training.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[2]) for row in rows]
    assert losses[-1] < 0.6 * losses[0]


def test_checkpoint_says_what_made_it(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    made = trainer(tmp_path / "run", recipe(), facts={"data": {"name": "blobs"}}).train(max_steps=2)
    again = open_checkpoint(tmp_path / "run" / "checkpoint")
    assert again.recipe == recipe() and again.sha256 == made.sha256
    assert again.manifest["trained_steps"] == 2 and again.manifest["data"] == {"name": "blobs"}
    assert again.manifest["training"]["global_batch"] == 4


def test_another_recipe_in_the_same_folder_is_refused(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    with pytest.raises(OtherRecipe, match=r"was trained with another recipe: train\.seed was 0 and is 1$"):
        trainer(tmp_path / "run", recipe(seed=1)).train(max_steps=2)
    other = recipe(seed=1, batch=8, ema=0.5, precision="bf16", accumulate=2)
    with pytest.raises(OtherRecipe, match=r"train\.batch was 4 and is 8, .*, 1 more$"):
        trainer(tmp_path / "run", other).train(max_steps=2)


def test_batches_that_do_not_divide_are_refused(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    with pytest.raises(InputError, match="does not divide"):
        trainer(tmp_path / "run", recipe(accumulate=3)).train(max_steps=1)


def test_diverging_training_stops_with_a_reason(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    chosen = recipe()
    chosen = chosen.model_copy(update={"optimizer": chosen.optimizer.model_copy(update={"lr": 1e30, "clip": None})})
    with pytest.raises(InputError, match=r"lower optimizer\.lr"):
        trainer(tmp_path / "run", chosen).train()


def test_trackers_are_accelerates(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    pytest.importorskip("tensorboard")
    trainer(tmp_path / "run", recipe(), trackers=("tensorboard",)).train(max_steps=5)
    assert list((tmp_path / "run").rglob("events.out.tfevents.*"))
    with pytest.raises(InputError, match="cannot train like this"):
        trainer(tmp_path / "other", recipe(), trackers=("tensorbored",)).train(max_steps=1)
