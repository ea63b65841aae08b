"""One training step and one synthesis of the papers' latent network, from random weights: memory beside the estimate.

`make gpu-papers` runs it on a GPU: SymmFlow on Stable Diffusion 2.1's U-Net at 512x512, autocast in bf16. What is
measured is kept in a file each, so that a second call does what is left; `table.md` and `table.json` hold all.

    python tests/benchmarks/papers.py --out runs/papers
    python tests/benchmarks/papers.py --out runs/papers-tiny --tiny --device cpu
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

GIB = 2**30
RECIPE = "celebamask-hq/symmflow"
BATCH, STEPS = 8, 25
TINY = {
    "network.channels": 32,
    "network.heads": [1],
    "network.context": 16,
    "network.tokens": 4,
    "data.size": 64,
    "train.batch": 2,
    "train.precision": "fp32",
}
MEASURES = ("train", "train-checkpointed", "train-fsdp", "synthesize")


@dataclass(frozen=True)
class Made:
    """Images and masks of nothing, at the size of the data set."""

    shape: tuple[int, ...]
    classes: int

    def __len__(self) -> int:
        return 64

    def batch(self, index: Any) -> Any:
        draws = np.random.default_rng(list(index))
        images = draws.uniform(-1, 1, (len(index), *self.shape)).astype(np.float32)
        labels = draws.integers(0, self.classes, (len(index), *self.shape[1:]))
        return SimpleNamespace(ids=[f"made-{i}" for i in index], images=images, labels=labels)


def opened(out: Path, tiny: bool, **train: Any) -> tuple[Any, Any, Any]:
    """Recipe, method and card; the autoencoder is one of random weights, in `out`."""
    from symmbench import datasets, methods

    given = {"train.batch": BATCH, "network.pretrained": "random", "latents.weights": str(autoencoder(out, tiny))}
    given |= (TINY if tiny else {}) | {f"train.{key}": value for key, value in train.items()}
    recipe = methods.recipe(RECIPE, given)
    recipe = recipe.model_copy(update={"network": recipe.network.model_copy(update={"pipeline": None})})
    card = datasets.card(datasets.named(recipe.dataset, recipe.data.size, recipe.data.crop))
    return recipe, methods.method(recipe.method), card


def autoencoder(out: Path, tiny: bool) -> Path:
    """Stable Diffusion's in shape, or one as deep and narrow."""
    from diffusers import AutoencoderKL

    folder = out / "autoencoder"
    if not (folder / "config.json").is_file():
        widths = (8, 8, 8, 8) if tiny else (128, 256, 512, 512)
        kinds = {f"{way.lower()}_block_types": [f"{way}{half}Block2D"] * 4 for way, half in WAYS}
        AutoencoderKL(
            block_out_channels=widths, layers_per_block=1 if tiny else 2, norm_num_groups=8 if tiny else 32, **kinds
        ).save_pretrained(folder)
    return folder


WAYS = (("Down", "Encoder"), ("Up", "Decoder"))


def measure(name: str, out: Path, tiny: bool, device: str) -> dict[str, Any]:
    """One of `MEASURES`, in this process (of several, where a launcher made them)."""
    import torch

    from symmbench.symmflow.device import resolve_device

    device = resolve_device(device)
    recipe, kind, card = opened(out, tiny, gradient_checkpointing=name == "train-checkpointed")
    torch.manual_seed(0)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    begun = time.perf_counter()
    (synthesize if name == "synthesize" else train)(name, recipe, kind, card, out, device)
    seconds, on_gpu = time.perf_counter() - begun, device == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_gpu else None
    estimate = (for_synthesis if name == "synthesize" else for_training)(name, recipe, kind, card)
    return {
        "measure": name,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "processes": int(os.environ.get("WORLD_SIZE", 1)),
        "batch": recipe.train.batch,
        "seconds": round(seconds, 2),
        "peak_gib": None if peak is None else peak / GIB,
        "estimated_gib": estimate / GIB,
        "process_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB,
    }


def train(name: str, recipe: Any, kind: Any, card: Any, out: Path, device: str) -> None:
    """One step, and its state and checkpoint on disk."""
    from symmbench.symmflow.train import Trainer

    Trainer(
        recipe=recipe,
        network=kind.untrained(recipe, card),
        objective=kind.objective(recipe, card),
        data=Made(card.shape, len(card.classes)),
        out=out / name,
        device=device,
    ).train(max_steps=1)


def for_training(name: str, recipe: Any, kind: Any, card: Any) -> int:
    """Bytes that it should take on each device."""
    from symmbench.bench import dry_run

    world = int(os.environ.get("WORLD_SIZE", 1))
    found = dry_run(recipe=recipe, tflops=1, processes=world).budget
    assert found
    if name != "train-fsdp":
        return int(found.total_memory)
    shared = ("weights", "gradients", "moments of AdamW", "moving average")
    each = sum(found.memory.get(part, 0) for part in shared) // world
    return int(each + sum(size for part, size in found.memory.items() if part not in (*shared, "DDP's buckets")))


def synthesize(name: str, recipe: Any, kind: Any, card: Any, out: Path, device: str) -> None:
    """A batch of images of masks in 25 steps."""
    import torch

    from symmbench.methods import Sampling
    from symmbench.symmflow.noise import Draws

    batch = Made(card.shape, len(card.classes)).batch(range(recipe.train.batch))
    method = kind(kind.network(recipe, card).to(device).eval().requires_grad_(False), recipe, card)
    half = recipe.train.precision == "bf16"
    with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=half):
        asked = Sampling(Draws(0, batch.ids), (STEPS,), "euler", 0)
        (images,) = method.synthesize(torch.from_numpy(batch.labels).to(device), asked)
    assert images.shape == batch.images.shape and bool(images.isfinite().all())


def for_synthesis(name: str, recipe: Any, kind: Any, card: Any) -> int:
    """Bytes that it should take."""
    from symmbench.methods.parts.latents import image_codec, space
    from symmbench.symmflow.footprint import example, footprint
    from symmbench.symmflow.train.budget import evaluation

    shape, precision = space(recipe, card), recipe.train.precision
    network = footprint(
        lambda: kind.network(recipe, card), lambda made: made(*example(made, shape)), precision, backward=False
    )
    decoding = image_codec(recipe.latents).decoding(card.shape, precision)
    return evaluation(network, decoding, recipe.train.batch, recipe.latents.chunk)


def launched(name: str, own: list[str], device: str) -> list[str]:
    """The command that measures in a process of its own, or in one a GPU: peaks do not mix."""
    asked = [str(Path(__file__).resolve()), *own, "--measure", name]
    if name != "train-fsdp":
        return [sys.executable, *asked]
    import torch

    import symmbench.bench

    file = Path(symmbench.bench.__path__[0]) / "launch" / "fsdp.yaml"
    count = ["--num_processes", str(max(torch.cuda.device_count(), 1))]
    words = ["-m", "accelerate.commands.launch", "--config_file", str(file), *count]
    return [sys.executable, *words, *asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="a network of seconds, to see that all of it runs")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--measure", choices=MEASURES, help="only this, in this process")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.measure:
        found = measure(given.measure, given.out, given.tiny, given.device)
        if int(os.environ.get("RANK", 0)) == 0:
            (given.out / f"{given.measure}.json").write_text(json.dumps(found, indent=2) + "\n")
        return
    own = ["--out", str(given.out), "--device", given.device, *(["--tiny"] if given.tiny else [])]
    failed: list[str] = []
    for name in MEASURES if given.device == "cuda" else [m for m in MEASURES if m != "train-fsdp"]:
        if not (given.out / f"{name}.json").is_file():
            print(f"measuring: {name}", flush=True)
            failed += [name] * bool(subprocess.run(launched(name, own, given.device)).returncode)
    report(given.out)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def report(out: Path) -> None:
    """All that was measured, as one table."""
    rows = [json.loads(path.read_text()) for name in MEASURES if (path := out / f"{name}.json").is_file()]
    (out / "table.json").write_text(json.dumps(rows, indent=2) + "\n")
    lines = [
        "| measure | device | processes | batch | seconds | peak, GiB | estimate, GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        peak = "–" if row["peak_gib"] is None else f"{row['peak_gib']:.2f}"
        cells = [row["measure"], row["device"], row["processes"], row["batch"], row["seconds"], peak]
        lines.append(f"| {' | '.join(map(str, cells))} | {row['estimated_gib']:.2f} |")
    (out / "table.md").write_text("\n".join(lines) + "\n")
    print((out / "table.md").read_text(), end="")


if __name__ == "__main__":
    main()
