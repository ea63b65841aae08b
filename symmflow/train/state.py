"""Everything that changes while training, saved and loaded together."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..bounded import check_weights
from ..errors import InputError, OtherRecipe
from ..files import atomic
from ..recipe import Recipe

LAYOUT = 2
"""2: with the means of a log row that is not yet full. 1, which had no number, is still read."""


@dataclass
class State:
    """A training after `step` steps. `ema` and `scaler`: None where the recipe or the precision asks for none."""

    network: nn.Module
    optimizer: Any
    schedule: Any
    ema: Any
    scaler: Any
    step: int = 0
    log: list[dict[str, float]] = field(default_factory=list)
    """A row every `log_every` steps: step, learning rate, and the means of loss and its parts since the last row."""
    sums: dict[str, Any] = field(default_factory=dict)
    """Of the loss and its parts over the `summed` steps since the last row: where they were computed, until read."""
    summed: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._since = _clocks()

    def advance(self, losses: Mapping[str, Tensor]) -> None:
        """Count a step that was just taken: its learning rate, average and losses, without reading any of them."""
        self.schedule.step()
        if self.ema:
            self.ema.step(self.network.parameters())
        self.step += 1
        self.summed += 1
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def means(self) -> dict[str, float]:
        """Of the loss and its parts since the last row: waits for the device."""
        return {name: float(value) / self.summed for name, value in self.sums.items()}

    def log_row(self) -> dict[str, float]:
        """Close the row of the log that ends at this step."""
        row = {"step": float(self.step), "lr": float(self.schedule.get_last_lr()[0]), **self.means()}
        self.log.append(row)
        self.sums, self.summed = {}, 0
        return row

    def log_csv(self) -> str:
        text = io.StringIO()
        if self.log:
            writer = csv.DictWriter(text, fieldnames=list(self.log[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.log)
        return text.getvalue()

    def weights(self) -> dict[str, Tensor]:
        """The weights to evaluate: the moving average where there is one."""
        weights = self.network.state_dict()
        if self.ema:
            names = [name for name, _ in self.network.named_parameters()]
            weights |= dict(zip(names, self.ema.shadow_params, strict=True))
        return weights

    def save(self, path: Path, recipe: Recipe) -> None:
        now, (wall, cpu) = _clocks(), self._since
        self.seconds, self.cpu_seconds, self._since = self.seconds + now[0] - wall, self.cpu_seconds + now[1] - cpu, now
        values = {
            "layout": LAYOUT,
            "recipe": recipe.model_dump_json(),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "scaler": self.scaler.state_dict() if self.scaler else None,
            "sums": {name: float(value) for name, value in self.sums.items()},
            **{name: getattr(self, name) for name in ("step", "log", "summed", "seconds", "cpu_seconds")},
        }
        with atomic(path) as aside, aside.open("wb") as file:
            torch.save(values, file)

    def load(self, path: Path, recipe: Recipe) -> None:
        """Go on from a saved state; one of another recipe, another layout or in pieces is refused."""
        try:
            check_weights(path)
            values = torch.load(path, map_location="cpu", weights_only=True)
            if (layout := values.get("layout", 1)) not in (1, LAYOUT):
                raise InputError(
                    f"{path} has layout {layout}, and up to {LAYOUT} is read here; upgrade to go on from it."
                )
            if Recipe.model_validate_json(values["recipe"]) != recipe:
                raise OtherRecipe(f"{path} was trained with another recipe")
            self.network.load_state_dict(values["network"])
            self.optimizer.load_state_dict(values["optimizer"])
            self.schedule.load_state_dict(values["schedule"])
            if self.ema:
                self.ema.load_state_dict(values["ema"])
                self.ema.to(next(self.network.parameters()).device)
            if self.scaler and values["scaler"]:
                self.scaler.load_state_dict(values["scaler"])
            self.step, self.log = int(values["step"]), values["log"]
            self.sums, self.summed = values.get("sums", {}), values.get("summed", 0)
            self.seconds, self.cpu_seconds = values["seconds"], values["cpu_seconds"]
        except InputError:
            raise
        except Exception as error:  # a truncated or foreign file can fail in any layer of the loader
            raise InputError(
                f"{path} cannot be resumed from ({type(error).__name__}); remove it to start again."
            ) from error
        self._since = _clocks()


def _clocks() -> tuple[float, float]:
    """Wall and processor seconds."""
    times = os.times()
    return time.perf_counter(), times.user + times.system
