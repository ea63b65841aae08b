"""A training for which memory does not suffice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from symmbench.symmflow.errors import InputError


@pytest.mark.parametrize("train", [{}, {"accumulate": 2, "gradient_checkpointing": True}])
def test_it_says_in_a_sentence_what_takes_less(
    tmp_path: Path, train: dict[str, Any], recipe: Any, trainer: Any
) -> None:
    asked = trainer(tmp_path, recipe(**train))

    def full(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if len(given[0]) > 1:
            torch.empty(2**55, dtype=torch.uint8)  # more than any machine has

    asked.network.register_forward_pre_hook(full)
    with pytest.raises(InputError, match=r"^memory does not suffice to train test/blobs with a batch of 4 in ") as told:
        asked.train(max_steps=1)
    assert "raise train.accumulate, which leaves the batch as it is" in str(told.value)
    assert ("set train.gradient_checkpointing = true" in str(told.value)) == (not train)
    assert told.value.__cause__ is None and told.value.__context__ is None
    trainer(tmp_path, recipe(**{**train, "accumulate": 4})).train(max_steps=1)


def test_another_failure_passes(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    asked = trainer(tmp_path, recipe())

    def broken(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        raise RuntimeError("shape mismatch")

    asked.network.register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        asked.train(max_steps=1)
