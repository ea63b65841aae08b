"""What a training takes before it begins: memory by part on each device, and floating-point operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..footprint import Footprint
from ..recipe import Recipe
from .feed import micro_batch

FP32 = 4
"""Bytes of a weight, of its gradient, and of each moment of AdamW."""


@dataclass(frozen=True)
class Budget:
    """Of a recipe on some processes. Memory is in bytes on each device, without what kernels work in."""

    micro_batch: int
    """Images that a process sees at once."""
    memory: Mapping[str, int]
    """By part; the parts are there together when a backward pass begins."""
    otherwise: int | None
    """Their sum with gradient checkpointing where the recipe has none, without it where it has; None: it cannot."""
    flops: Mapping[str, int]
    """Of a training image, by part."""
    once: int
    """Of what is computed before the first step."""
    steps: int
    images: int
    """Seen in all, repeats counted."""

    @property
    def total_memory(self) -> int:
        return sum(self.memory.values())

    @property
    def total_flops(self) -> int:
        return sum(self.flops.values()) * self.images + self.once


def budget(
    recipe: Recipe,
    network: Footprint,
    codec: Footprint | None = None,
    encoded: int = 0,
    *,
    once: int = 0,
    processes: int = 1,
    max_steps: int | None = None,
) -> Budget:
    """`network`: of a pass with a backward one; `codec`: of an encoding, of which a training image takes `encoded`,
    beside `once` in all; `max_steps`: where it stops before its schedule ends.

    Weights, gradients, moments and average are fp32, whatever the precision; several processes are DDP's, which keeps a
    copy of the gradients in its buckets. Raises `InputError` for a batch that does not divide.
    """
    train, trained = recipe.train, FP32 * network.parameters
    size = micro_batch(recipe, processes)
    again = train.gradient_checkpointing and network.checkpointed is not None
    parts = {
        "weights": network.weights,
        "gradients": trained,
        "moments of AdamW": 2 * trained,
        "moving average": trained if train.ema else 0,
        f"weights in {train.precision}": network.cast,
        "DDP's buckets": trained if processes > 1 else 0,
        "autoencoder": codec.weights if codec else 0,
    }
    activations = {False: size * network.kept}
    if network.checkpointed is not None:
        activations[True] = size * (network.checkpointed + network.again)
    fixed, steps = sum(parts.values()), min(max_steps or recipe.schedule.steps, recipe.schedule.steps)
    passes = 4 if again else 3  # a backward pass costs two forward ones
    flops = {
        f"network, {passes} x forward": passes * network.flops,
        f"autoencoder, {encoded} x encoding": encoded * codec.flops if codec else 0,
    }
    return Budget(
        micro_batch=size,
        memory={name: part for name, part in parts.items() if part} | {"activations": activations[again]},
        otherwise=fixed + activations[not again] if (not again) in activations else None,
        flops={name: part for name, part in flops.items() if part},
        once=once * codec.flops if codec else 0,
        steps=steps,
        images=steps * train.batch,
    )


def evaluation(network: Footprint, decoding: Footprint | None, batch: int, chunk: int) -> int:
    """Bytes that it takes to sample `batch` images at once, which are decoded `chunk` at a time, in weights of fp32.

    `network`: of a pass without a backward one.
    """
    if decoding is None:
        return network.weights + batch * network.peak
    return network.weights + decoding.weights + max(batch * network.peak, min(batch, chunk) * decoding.peak)
