"""States of earlier versions, which lay in one file: still gone on from, no longer written."""

from __future__ import annotations

from pathlib import Path

import torch

from ..bounded import check_weights
from ..errors import InputError
from ..recipe import Recipe
from .same import check_same
from .sharded import fill, named, plain
from .state import State

FILE = "state.pt"
LAYOUTS = (1, 2)
"""1 had no number and no means of a log row that is not yet full."""


def load_earlier(path: Path, state: State, recipe: Recipe) -> None:
    """Go on from such a file, sharded or not. Raises `InputError`, and whatever a damaged file makes PyTorch raise."""
    check_weights(path)
    values = torch.load(path, map_location="cpu", weights_only=True)
    if (layout := values.get("layout", 1)) not in LAYOUTS:
        raise InputError(f"{path} has layout {layout}, and up to {LAYOUTS[-1]} is read here; upgrade to go on from it.")
    check_same(path, values["recipe"], recipe)
    names = list(named(state.network))
    stored = {f"network.{plain(name)}": value for name, value in values["network"].items()}
    for number, moments in values["optimizer"]["state"].items():
        stored |= {f"optimizer.{names[number]}.{key}": value for key, value in moments.items()}
    if state.average:
        averages = values["ema"]["shadow_params"]
        stored |= {f"average.{name}": value for name, value in zip(names, averages, strict=True)}
    state.begin_optimizer(stored)
    for name, value in state.tensors().items():
        fill(value, stored[name])
    state.resume({"sums": {}, "summed": 0} | values)
