"""The optimiser of a recipe and its learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from ..recipe import OptimizerConfig, Recipe


def adamw(
    parameters: Iterable[torch.nn.Parameter], config: OptimizerConfig, *, fused: bool = False
) -> torch.optim.Optimizer:
    """The `[optimizer]` table's AdamW.

    `fused`: in one kernel, whose last bits differ. A state that another kernel left is gone on from with this one's.
    """
    kernel = fused or None
    made = torch.optim.AdamW(
        parameters, lr=config.lr, betas=config.betas, weight_decay=config.weight_decay, fused=kernel
    )

    def keep_kernel(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        return state | {"param_groups": [group | {"fused": kernel} for group in state["param_groups"]]}

    made.register_load_state_dict_pre_hook(keep_kernel)
    return made


def learning_rate(recipe: Recipe, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    """The `[schedule]` table's learning rate, one value an optimiser step."""
    from diffusers.optimization import get_scheduler

    schedule = recipe.schedule
    if schedule.kind == "one-cycle":
        peak, total = recipe.optimizer.lr, max(schedule.steps, 3)  # fewer have no rise and fall
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=peak,
            total_steps=total,
            pct_start=max(schedule.warmup, 2) / total,  # the last step of the warm-up is at the peak
            div_factor=peak / schedule.ends,
            final_div_factor=1.0,
            cycle_momentum=False,
        )
    name = {"constant": "constant_with_warmup"}.get(schedule.kind, schedule.kind)
    return get_scheduler(name, optimizer, num_warmup_steps=schedule.warmup, num_training_steps=schedule.steps)
