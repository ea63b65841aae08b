"""The host waits for the device at rows of the log alone, and what is not finite is kept nowhere."""

from __future__ import annotations

import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.train import Progress

READS = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
"""What is behind float(), .item(), bool() and indexing by truth values: the host waits for the result."""
ON_THE_HOST = ("torch/optim/", "torch/utils/data/")
"""AdamW reads its count of steps, which lies in the host's memory where it is not fused; a loader draws a seed."""


class Reads(TorchDispatchMode):
    """Counts the values that are read."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        files = [frame.filename for frame in traceback.extract_stack()] if func in READS else []
        self.count += func in READS and not any(host in file for host in ON_THE_HOST for file in files)
        return func(*args, **(kwargs or {}))


def test_nothing_is_read_between_rows_of_the_log(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    counts, losses = [0], []

    def report(now: Progress) -> None:
        counts.append(reads.count)
        losses.append(now.loss)

    with Reads() as reads:
        trainer(tmp_path / "run", recipe(checkpoint_every=100), report=report).train(max_steps=11)
    read = [after - before for before, after in pairwise(counts)]
    at = [step for step, number in enumerate(read, start=1) if number]
    assert at == [1, 5, 10, 11]  # the first step and the rows
    assert losses[1:4] == losses[:1] * 3 and losses[4] != losses[3]  # what was read stands until the next row


@pytest.mark.gpu
def test_no_step_waits_for_a_gpu_between_rows_of_the_log(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    """CUDA itself tells: it refuses whatever makes the host wait."""

    def report(now: Progress) -> None:
        quiet = now.step % 5 != 4 and now.step > 1  # not the step that ends in a row
        torch.cuda.set_sync_debug_mode("error" if quiet else "default")

    made = trainer(tmp_path / "run", recipe(checkpoint_every=100), report=report, workers=1)
    made.device = "cuda"
    try:
        made.train()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("at", [3, 5, 7])
def test_a_loss_that_is_not_finite_is_kept_nowhere(at: int, tmp_path: Path, recipe: Any, trainer: Any) -> None:
    """Wherever in a row of the log it is: what was saved before is gone on from."""
    chosen = recipe(checkpoint_every=2)
    made = trainer(tmp_path / "run", chosen)
    whole = made.objective

    class Breaks:
        steps = 0

        def loss(self, *given: Any) -> Any:
            self.steps += 1
            loss, parts = whole.loss(*given)
            return loss * (float("nan") if self.steps == at else 1.0), parts

    made.objective = Breaks()
    with pytest.raises(InputError, match=r"the loss is nan at step.*lower optimizer\.lr"):
        made.train()
    assert not (tmp_path / "run" / "checkpoint").exists()
    seen: list[Progress] = []
    trainer(tmp_path / "run", chosen, report=seen.append).train(max_steps=10)
    assert seen[0].step == at  # that of the last even step is the one that stands
    assert all(torch.isfinite(torch.tensor(now.loss)) for now in seen)


class Breaks:
    """An objective whose fourth loss is finite, and its gradient is not."""

    def __init__(self, whole: Any) -> None:
        self.whole, self.calls = whole, 0

    def loss(self, *given: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        self.calls += 1
        loss, parts = self.whole.loss(*given)
        return (loss + 0 * torch.sqrt(loss - loss.detach()) if self.calls == 4 else loss), parts


def test_weights_that_are_not_finite_are_kept_nowhere(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    wanted = recipe(checkpoint_every=2, log_every=1)
    made = trainer(tmp_path / "run", wanted)
    made.objective = Breaks(made.objective)
    with pytest.raises(InputError, match="weights are not finite after step 4; lower"):
        made.train()
    assert [path.name for path in (tmp_path / "run/state").iterdir()] == ["step-000002"]
    trainer(tmp_path / "run", wanted).train(max_steps=4)  # goes on from there
    assert [path.name for path in (tmp_path / "run/state").iterdir()] == ["step-000004"]
