"""Everything that changes while training."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .average import MovingAverage
from .processes import Processes
from .sharded import gathered, named, plain

FACTS = ("step", "log", "sums", "summed", "seconds", "cpu_seconds")
"""The fields that are neither tensors nor other objects."""


@dataclass
class State:
    """A training after `step` steps, the same on all processes but for the pieces of what is sharded.

    `average` and `scaler`: None where the recipe or the precision asks for none.
    """

    network: nn.Module
    """Not wrapped, but its parameters may be sharded."""
    optimizer: Any
    """AdamW, perhaps as Accelerate wraps it."""
    schedule: Any
    average: MovingAverage | None
    scaler: Any
    processes: Processes
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
        self.step += 1
        if self.average:
            self.average.update(self.network, self.step)
        self.summed += 1
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def means(self) -> dict[str, float]:
        """Of the loss and its parts since the last row, over all processes, which all call it: waits for the device."""
        self.sums = self.processes.mean({name: float(value) for name, value in self.sums.items()})
        return {name: value / self.summed for name, value in self.sums.items()}

    def log_row(self) -> dict[str, float]:
        """Close the row of the log that ends at this step. All processes call it."""
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
        """The weights to evaluate, the moving average where there is one. All call it, the first process gets them."""
        weights: dict[str, Tensor] = {plain(name): value for name, value in self.network.state_dict().items()}
        if self.average:
            weights |= self.average.values
        return gathered(weights, keep=self.processes.rank == 0)

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that change, under names that do not depend on the number of processes.

        They are what is trained on, not copies: who writes into them changes the training. An optimizer that has not
        stepped has none.
        """
        found = {f"network.{plain(name)}": value for name, value in self.network.state_dict().items()}
        for name, parameter in named(self.network).items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                found[f"optimizer.{name}.{key}"] = value
        if self.average:
            found |= {f"average.{name}": value for name, value in self.average.values.items()}
        return found

    def begin_optimizer(self, stored: Iterable[str]) -> None:
        """Give the optimizer the tensors that are stored of it, to be filled: of a parameter's shape, or its steps."""
        at = {id(p): n for n, p in enumerate(p for group in self.optimizer.param_groups for p in group["params"])}
        state: dict[int, dict[str, Tensor]] = {}
        names = set(stored)
        for name, parameter in named(self.network).items():
            for key in ("step", "exp_avg", "exp_avg_sq"):
                if f"optimizer.{name}.{key}" in names:
                    made = torch.zeros(()) if key == "step" else torch.zeros_like(parameter)
                    state.setdefault(at[id(parameter)], {})[key] = made
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})

    def facts(self) -> dict[str, Any]:
        """All else that changes, as JSON holds it. All processes call it."""
        now, (wall, cpu) = _clocks(), self._since
        self.seconds, self.cpu_seconds, self._since = self.seconds + now[0] - wall, self.cpu_seconds + now[1] - cpu, now
        self.means()  # the sums become those of all processes
        return {
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler else None,
            **{name: getattr(self, name) for name in FACTS},
        }

    def resume(self, facts: Mapping[str, Any]) -> None:
        """Go on from such facts, the tensors being filled."""
        self.schedule.load_state_dict(facts["schedule"])
        for group, rate in zip(self.optimizer.param_groups, self.schedule.get_last_lr(), strict=True):
            group["lr"] = rate
        if self.scaler and facts["scaler"]:
            self.scaler.load_state_dict(facts["scaler"])
        self.step, self.summed = int(facts["step"]), int(facts["summed"])
        self.log, self.sums = [_numbers(row) for row in facts["log"]], _numbers(facts["sums"])
        self.seconds, self.cpu_seconds = float(facts["seconds"]), float(facts["cpu_seconds"])
        self._since = _clocks()


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items()}


def _clocks() -> tuple[float, float]:
    """Wall and processor seconds."""
    times = os.times()
    return time.perf_counter(), times.user + times.system
