"""The Diffusion Classifier batched over images, classes and timesteps, against one image at a time.

The peer evaluates 32 (class, timestep) pairs of one image a call, as the authors' code does. Both spend the same
evaluations; the two take turns, and the ratio of their times is given with its interval over the rounds. It fails where
the interval reaches below 1.

    python tests/benchmarks/diffusion_classifier.py [--device cuda] [--images 64] [--budget 250] [--rounds 8]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy import stats

from symmbench import datasets, methods
from symmbench.methods.parts.diffusion import Diffusion
from symmbench.methods.parts.stages import Stages, noise_errors, staged
from symmbench.symmflow.noise import Draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--budget", type=int, default=250, help="network evaluations an image")
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    recipe, card = methods.recipe("digits/diffusion-classifier"), datasets.card("digits")
    kind = methods.method("diffusion-classifier")
    torch.manual_seed(0)
    method: Any = kind(kind.network(recipe, card).to(arguments.device).eval().requires_grad_(False), recipe, card)
    batch = datasets.load("digits", "test").batch(range(arguments.images))
    images = torch.from_numpy(batch.images).to(arguments.device)
    plan = Stages().within(arguments.budget, len(card.classes), 1000)

    def predict(z: torch.Tensor, k: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return method.net(z, method.diffusion.time(k), classes)

    def batched() -> torch.Tensor:
        errors = noise_errors(predict, images, method.diffusion, Draws(0, batch.ids), "l2")
        return staged(errors, len(images), len(card.classes), plan)

    def one_by_one() -> torch.Tensor:
        peers = (
            pairs_of(predict, x[None], method.diffusion, Draws(0, [i])) for x, i in zip(images, batch.ids, strict=True)
        )
        return torch.cat([staged(errors, 1, len(card.classes), plan) for errors in peers])

    def seconds(classify: Callable[[], torch.Tensor]) -> float:
        start = time.perf_counter()
        classify()
        if arguments.device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter() - start

    with torch.inference_mode():
        torch.testing.assert_close(batched(), one_by_one(), rtol=1e-3, atol=1e-4)
        ratios = [float(np.log(seconds(one_by_one) / seconds(batched))) for _ in range(arguments.rounds)]
    low, high = np.exp(stats.ttest_1samp(ratios, 0).confidence_interval())
    value = float(np.exp(np.mean(ratios)))
    print(f"one image at a time takes {value:.2f} [{low:.2f}, {high:.2f}] times as long ({arguments.rounds} rounds)")
    raise SystemExit(int(low < 1))


def pairs_of(
    predict: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    diffusion: Diffusion,
    draws: Draws,
    at_once: int = 32,
) -> Callable[[torch.Tensor, Sequence[int]], torch.Tensor]:
    """`noise_errors` of one image [1, ...], written plainly: `at_once` pairs of a timestep and a class a call."""

    def errors(classes: torch.Tensor, timesteps: Sequence[int]) -> torch.Tensor:
        noise = torch.cat([draws.normal(x.shape[1:], f"eps/{k}") for k in timesteps]).to(x.device)
        k = torch.tensor(timesteps, device=x.device).repeat_interleave(classes.shape[1])
        noise = noise.repeat_interleave(classes.shape[1], dim=0)
        given = classes.to(x.device).flatten().repeat(len(timesteps))
        found = []
        for at, target, c in zip(*(r.split(at_once) for r in (k, noise, given)), strict=True):
            off = predict(diffusion.noised(x.expand(target.shape), target, at), at, c) - target
            found.append(off.square().flatten(1).mean(dim=1))
        return torch.cat(found).reshape(len(timesteps), -1).double().sum(dim=0, keepdim=True).cpu()

    return errors


if __name__ == "__main__":
    main()
