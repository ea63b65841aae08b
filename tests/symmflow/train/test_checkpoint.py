"""Checkpoints that a training made, and that were then damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from symmbench.symmflow.checkpoint import open_checkpoint
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.networks import build_network


@pytest.mark.parametrize("damage", ["truncated", "foreign", "no manifest", "other json", "no weights"])
def test_damaged_checkpoints_are_refused(tmp_path: Path, damage: str, recipe: Any, trainer: Any) -> None:
    folder = trainer(tmp_path / "run", recipe()).train(max_steps=1).path
    file, manifest = folder / "weights.safetensors", folder / "checkpoint.json"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    elif damage == "foreign":
        torch.save({"a": 1}, file)
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "other json":
        manifest.write_text(json.dumps({"format": 1}))
    else:
        file.unlink()
    with pytest.raises(InputError):
        open_checkpoint(folder)


def test_weights_of_another_network_are_refused(tmp_path: Path, recipe: Any, trainer: Any) -> None:
    checkpoint = trainer(tmp_path / "run", recipe()).train(max_steps=1)
    other = build_network(recipe().network, in_channels=5, out_channels=4, size=(8, 8))
    with pytest.raises(InputError, match="do not fit"):
        checkpoint.load_into(other)
