"""`bench train --dry-run`: what a training would take, on a screen."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .. import api

if TYPE_CHECKING:
    from ...symmflow.train.budget import Budget
    from ..run.dry_run import DryRun

GIB, TERA = 2**30, 1e12


def show(tflops: float | None, processes: int | None, as_json: bool, **fields: Any) -> None:
    """Print it."""
    found = api.dry_run(tflops=tflops, processes=processes, **fields)
    if as_json:
        counted = (
            {"total_memory": found.budget.total_memory, "total_flops": found.budget.total_flops} if found.budget else {}
        )
        print(json.dumps({**asdict(found), **counted, "seconds": found.seconds}, indent=2))
        return
    parameters = f", {found.parameters:,} parameters" if found.parameters is not None else ""
    print(
        f"{found.recipe}: {found.network or 'a network'}{parameters}, sees images as {'x'.join(map(str, found.space))}."
    )
    if found.budget:
        _counted(found, found.budget)
    else:
        print(f"Memory, FLOPs and time are not known: {found.uncounted}.")
    for need in found.needs:
        print(f"{need.what}: {'here' if need.here else 'NOT HERE'}, {need.said}.")
    if found.mind:
        print(f"Mind: {found.mind}.")
    print(f"Start it with:\n{found.command}")


def _counted(found: DryRun, budget: Budget) -> None:
    from .progress import print_table

    each = f" on each of {found.processes} devices" if found.processes > 1 else ""
    memory = {**budget.memory, "total, without the workspace of kernels": budget.total_memory}
    print_table(
        [
            {f"memory{each}, {budget.micro_batch} images at once": name, "GiB": f"{size / GIB:8.3f}"}
            for name, size in memory.items()
        ]
    )
    if budget.otherwise is not None:
        other = "false" if budget.otherwise > budget.total_memory else "true"
        print(f"With train.gradient_checkpointing = {other}: {budget.otherwise / GIB:,.3f} GiB.")
    flops = {**budget.flops, "total": sum(budget.flops.values())}
    print_table([{"computation of a training image": name, "TFLOP": f"{n / TERA:10.6f}"} for name, n in flops.items()])
    epochs = f", {budget.images / found.epoch:,.1f} epochs of {found.epoch:,}" if found.epoch else ""
    print(f"{budget.steps:,} steps, {budget.images:,} images{epochs}: {budget.total_flops:.3g} FLOP.")
    assert found.seconds is not None
    times = f" on {found.processes} devices" if found.processes > 1 else ""
    print(f"It takes {_long(found.seconds)}{times} at {found.tflops:.3g} TFLOP/s each ({found.by}).")


def _long(seconds: float) -> str:
    units = {"years": 365.25 * 86400, "days": 86400, "hours": 3600, "minutes": 60}
    unit, size = next(((unit, size) for unit, size in units.items() if seconds >= 2 * size), ("seconds", 1))
    return f"{seconds / size:,.1f} {unit}"
