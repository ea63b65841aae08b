"""The Diffusion Classifier batched over images, classes and timesteps, against one image at a time.

The peer evaluates 32 (class, timestep) pairs of one image a call, as the authors' code does. Both spend the same
evaluations; the two take turns, and the ratio of their times is given with its interval over the rounds.

    python tests/benchmarks/diffusion_classifier.py [--device cuda] [--images 64] [--budget 250] [--rounds 8]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from symmbench import datasets, methods
from symmbench.bench.statistics import over_seeds
from symmbench.methods.diffusion_classifier import Stages, noise_errors, staged
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
    method = kind(kind.network(recipe, card).to(arguments.device).eval().requires_grad_(False), recipe, card)
    batch = datasets.load("digits", "test").batch(range(arguments.images))
    images = torch.from_numpy(batch.images).to(arguments.device)
    plan = Stages().within(arguments.budget, len(card.classes))

    def predict(z: torch.Tensor, k: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return method.net(z, method.diffusion.time(k), classes)  # type: ignore[attr-defined]

    def classify(rows: int, at_once: int) -> torch.Tensor:
        scores = []
        for first in range(0, arguments.images, at_once):
            part = slice(first, first + at_once)
            errors = noise_errors(predict, images[part], method.diffusion, Draws(0, batch.ids[part]), "l2", rows)  # type: ignore[attr-defined]
            scores.append(staged(errors, len(images[part]), len(card.classes), plan))
        if arguments.device.startswith("cuda"):
            torch.cuda.synchronize()
        return torch.cat(scores)

    ratios = []
    with torch.inference_mode():
        torch.testing.assert_close(classify(2048, arguments.images), classify(32, 1), rtol=1e-3, atol=1e-4)
        for _ in range(arguments.rounds):
            seconds = []
            for rows, at_once in ((32, 1), (2048, arguments.images)):
                start = time.perf_counter()
                classify(rows, at_once)
                seconds.append(time.perf_counter() - start)
            ratios.append(float(np.log(seconds[0] / seconds[1])))
    found = over_seeds(ratios)
    low, value, high = np.exp([found.low, found.value, found.high])
    print(f"one image at a time takes {value:.2f} [{low:.2f}, {high:.2f}] times as long ({arguments.rounds} rounds)")


if __name__ == "__main__":
    main()
