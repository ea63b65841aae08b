"""The state of a cut training on disk."""

from pathlib import Path
from typing import Any

import pytest
import torch

from symmbench.symmflow.errors import InputError


def test_a_state_of_the_first_layout_is_gone_on_from(tmp_path: Path, recipe: Any, trainer: Any, weights: Any) -> None:
    """It had no number and no open row of the log."""
    trainer(tmp_path / "old", recipe()).train(max_steps=10)
    path = tmp_path / "old" / "state.pt"
    state = torch.load(path, weights_only=True)
    assert state.pop("layout") == 2 and state.pop("sums") == {} and state.pop("summed") == 0
    assert set(state) == {
        *("step", "recipe", "network", "optimizer", "schedule", "ema", "scaler", "log", "seconds", "cpu_seconds")
    }
    torch.save(state, path)
    trainer(tmp_path / "old", recipe()).train()
    trainer(tmp_path / "whole", recipe()).train()
    a, b = weights(tmp_path / "old"), weights(tmp_path / "whole")
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_state_of_a_later_layout_is_refused(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    path = tmp_path / "run" / "state.pt"
    torch.save(torch.load(path, weights_only=True) | {"layout": 3}, path)
    with pytest.raises(InputError, match="has layout 3, and up to 2 is read here; upgrade"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)


def test_damaged_state_is_refused(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    trainer(tmp_path / "run", recipe()).train(max_steps=1)
    state = tmp_path / "run" / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be resumed from"):
        trainer(tmp_path / "run", recipe()).train(max_steps=2)
