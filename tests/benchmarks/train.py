"""What a step of training costs the process that trains, beside the network: data and noise, images encoded once.

Processor seconds of that process alone, so that other work on the machine does not count; SymmFlow in the latents of a
random autoencoder, with a network that costs nothing. What workers draw comes through a pipe, which costs this process
time, too: beside a GPU a thread of its own receives it, while the other waits for nothing. It fails where cached
latents do not save a third of the encoding: of images and masks, the noisy masks are encoded in every step.

    python tests/benchmarks/train.py [--steps 6] [--side 256]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import torch
from diffusers import AutoencoderKL

from symmbench.symmflow.autoencoders import KLAutoencoder
from symmbench.symmflow.labels import Palette
from symmbench.symmflow.latents import InLatents, LatentLabels
from symmbench.symmflow.objective import SymmFlowObjective
from symmbench.symmflow.path import SymmetricPath
from symmbench.symmflow.recipe import LatentsConfig, Recipe
from symmbench.symmflow.train import CachedLatents
from symmbench.symmflow.train.feed import Feed, MicroBatch

BATCH = 4
RECIPE = {
    "name": "benchmark/symmflow",
    "method": "symmflow",
    "dataset": "benchmark",
    "optimizer": {"lr": 1e-3},
    "schedule": {"steps": 1000},
    "train": {"batch": BATCH},
}


class Pictures:
    """Sixteen images and masks."""

    def __init__(self, side: int) -> None:
        self.images = np.random.default_rng(0).uniform(-1, 1, (16, 3, side, side)).astype(np.float32)
        self.labels = np.random.default_rng(1).integers(0, 2, (16, side, side))

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, index: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(ids=[f"s{i}" for i in index], images=self.images[index], labels=self.labels[index])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--side", type=int, default=256)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data, recipe = Pictures(given.side), Recipe.model_validate(RECIPE)
    with TemporaryDirectory() as folder:
        codec = autoencoder(Path(folder) / "vae")
        cache = CachedLatents(data, codec, Path(folder) / "latents", codec.moments_shape((3, given.side, given.side)))
        cache.fill("cpu", lambda: torch.autocast("cpu", enabled=False))

        noise = seconds(Feed(data, recipe), given.steps, drawn, workers=0)
        ahead = seconds(Feed(data, recipe), given.steps, drawn, workers=2)
        print(f"data and noise: {1e3 * noise:.0f} ms a step; made by 2 workers: {1e3 * ahead:.0f}")

        labels = LatentLabels(Palette(((0.0,) * 3, (255.0,) * 3), beta=10), codec)
        plain = InLatents(SymmFlowObjective(labels, SymmetricPath()), codec, sample=True)
        rates = {}
        for name, seen, objective in (("each step", data, plain), ("once", cache, replace(plain, encoded=True))):
            rates[name] = seconds(Feed(seen, recipe), given.steps, partial(loss, objective), workers=0)
            print(f"images and masks to latents, images {name}: {1e3 * rates[name]:.0f} ms a step")
    saved = rates["each step"] / rates["once"]
    print(f"images encoded once: {saved:.2f} x")
    if saved < 1.5:
        sys.exit("a promise is broken: cached latents save less than a third of the encoding")


def autoencoder(folder: Path) -> KLAutoencoder:
    """Of random weights, with the factor of Stable Diffusion's and an eighth of its width."""
    torch.manual_seed(0)
    AutoencoderKL(
        block_out_channels=(16, 32, 64, 64), down_block_types=["DownEncoderBlock2D"] * 4, layers_per_block=1,
        up_block_types=["UpDecoderBlock2D"] * 4, latent_channels=4, norm_num_groups=16,
    ).save_pretrained(folder)  # fmt: skip
    return KLAutoencoder(LatentsConfig(codec="autoencoder-kl", weights=str(folder), chunk=BATCH), lambda: folder)


def seconds(feed: Feed, steps: int, use: Callable[[MicroBatch], object], *, workers: int) -> float:
    """Processor seconds of this process a step, the first one, which tells what the others need, left out."""
    batches = feed.steps(0, steps + 1, workers)
    use(next(batches))
    began = time.process_time()
    for batch in batches:
        use(batch)
    return (time.process_time() - began) / steps


def drawn(batch: MicroBatch) -> None:
    """As SymmFlow asks in latents."""
    height, width = batch.labels.shape[1:]
    latents = (4, height // 8, width // 8)
    batch.draws.uniform((3, height, width), "dequantize")
    for stream in ("posterior", "x", "y"):
        batch.draws.normal(latents, stream)
    batch.draws.uniform((), "t")


def loss(objective: InLatents, batch: MicroBatch) -> None:
    objective.loss(lambda z, t: torch.zeros_like(z), batch.images, batch.labels, batch.draws)


if __name__ == "__main__":
    main()
