"""A training of seconds: twelve tiny images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from symmbench.symmflow.labels import Palette
from symmbench.symmflow.networks import build_network
from symmbench.symmflow.objective import SymmFlowObjective
from symmbench.symmflow.path import SymmetricPath
from symmbench.symmflow.recipe import Recipe
from symmbench.symmflow.train import Trainer

COLORS = ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))


class Blobs:
    """Twelve images whose two halves are the two classes."""

    def __len__(self) -> int:
        return 12

    def batch(self, index: np.ndarray) -> SimpleNamespace:
        masks = np.zeros((len(index), 8, 8), dtype=np.int64)
        for row, i in enumerate(index):
            masks[row, :, int(i) % 8 :] = 1
        return SimpleNamespace(
            ids=[f"s{i}" for i in index], images=(2.0 * masks[:, None] - 1).astype(np.float32), labels=masks
        )


def _recipe(**train: object) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "test/blobs",
            "method": "symmflow",
            "dataset": "blobs",
            "network": {
                "channels": 8,
                "multipliers": [1, 2],
                "depth": 1,
                "attention": [],
                "head_channels": 8,
                "dropout": 0.1,
            },
            "optimizer": {"lr": 1e-3, "clip": 1.0},
            "schedule": {"steps": 20, "warmup": 2},
            "train": {"batch": 4, "ema": 0.9, "checkpoint_every": 5, "log_every": 5} | train,
        }
    )


def _trainer(out: Path, chosen: Recipe, network: torch.nn.Module | None = None, **options: object) -> Trainer:
    torch.manual_seed(0)
    network = network or build_network(chosen.network, in_channels=4, out_channels=4, size=(8, 8))
    objective = SymmFlowObjective(Palette(COLORS, beta=10), SymmetricPath())
    return Trainer(chosen, network, objective, Blobs(), out, device="cpu", **options)  # type: ignore[arg-type]


def _weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "checkpoint" / "weights.safetensors")


def _as_before(run: Path, names: list[str], layout: int) -> None:
    """Replace a state by the one file that it was in earlier layouts."""
    (folder,) = (run / "state").iterdir()
    facts = json.loads((folder / "state.json").read_text())
    (shard,) = folder.glob("*.safetensors")
    tensors = load_file(shard)
    moments = {
        number: {key: tensors[f"optimizer.{name}.{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
        for number, name in enumerate(names)
    }
    shadows = [tensors[f"average.{name}"] for name in names]
    values = {
        "recipe": facts["recipe"],
        "network": {n.removeprefix("network."): v for n, v in tensors.items() if n.startswith("network.")},
        "optimizer": {"state": moments, "param_groups": [{"lr": 1.0, "params": list(range(len(names)))}]},
        "ema": {"decay": 0.9, "optimization_step": facts["step"], "shadow_params": shadows},
        **{name: facts[name] for name in ("schedule", "scaler", "step", "log", "seconds", "cpu_seconds")},
    }
    if layout > 1:
        values |= {"layout": layout, "sums": facts["sums"], "summed": facts["summed"]}
    torch.save(values, run / "state.pt")
    shutil.rmtree(run / "state")


@pytest.fixture
def as_before() -> Callable[[Path, list[str], int], None]:
    """(folder, the network's names, layout): replace a state by what it was in an earlier layout."""
    return _as_before


@pytest.fixture
def blobs() -> Blobs:
    return Blobs()


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    """A recipe of twenty steps; keywords go to its table `train`."""
    return _recipe


@pytest.fixture
def trainer() -> Callable[..., Trainer]:
    """(folder, recipe, options of the trainer): a trainer of a network drawn from seed 0."""
    return _trainer


@pytest.fixture
def weights() -> Callable[[Path], dict[str, torch.Tensor]]:
    """The weights of the checkpoint that a training left in a folder."""
    return _weights
