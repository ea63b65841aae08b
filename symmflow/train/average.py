"""The exponential moving average of a network's parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sharded import local, named


class MovingAverage:
    """Of every parameter an average under its name, which lies where the parameter lies: a shard a process if sharded.

    Update n, from 1, keeps a share of min(decay, n / (9 + n)), the first one nothing: what diffusers' `EMAModel` does,
    to the bit. Parameters that are not trained are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values: dict[str, Tensor] = {name: p.detach().clone() for name, p in named(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module, number: int) -> None:
        """Average in the parameters after update `number`, from 1."""
        keep = min(number / (9 + number), self.decay) if number > 1 else 0.0
        trained, averages = list[Tensor](), list[Tensor]()
        for name, parameter in named(network).items():
            average = local(self.values[name])
            if parameter.requires_grad:
                trained.append(local(parameter))
                averages.append(average)
            else:
                average.copy_(local(parameter))
        torch._foreach_sub_(averages, torch._foreach_sub(averages, trained), alpha=1 - keep)
