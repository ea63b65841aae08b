"""One training a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from symmbench.symmflow.errors import Busy
from symmbench.symmflow.locks import acquire


def test_a_second_trainer_is_told_who_holds_the_folder(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    lock = acquire(tmp_path / "run" / ".lock")
    assert lock
    with pytest.raises(Busy, match=rf"run is being trained into by process {os.getpid()} on .*, since"):
        trainer(tmp_path / "run", recipe()).train(max_steps=1)
    lock.release()
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoint", "state"]


def test_a_training_goes_on_over_what_a_killed_one_left(
    tmp_path: Path, recipe: Any, trainer: Any, weights: Any
) -> None:
    """Its lock, half a state, and a checkpoint that was moved away and not yet replaced."""
    run = tmp_path / "run"
    trainer(run, recipe()).train(max_steps=5)
    (run / "checkpoint").rename(run / ".checkpoint.4711.before")
    (run / ".checkpoint.4711").mkdir()
    (run / ".checkpoint.4711" / "weights.safetensors").write_text("half")
    (run / ".state.pt.4711").write_text("half")
    (run / "state" / ".step-000010.4711").mkdir()
    (run / "state" / ".step-000010.4711" / "state.json").write_text("half")
    (run / ".lock").write_text("process 4711 on another machine, since 2026-01-01 00:00")
    trainer(run, recipe()).train()
    trainer(tmp_path / "whole", recipe()).train()
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint", "state"]
    assert [path.name for path in (run / "state").iterdir()] == ["step-000020"]
    a, b = weights(run), weights(tmp_path / "whole")
    assert all((a[name] == b[name]).all() for name in a)
