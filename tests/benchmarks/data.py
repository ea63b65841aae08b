"""A large split in files: planning, memory of a pass, images a second, and what preparing gives.

4,000 samples in CelebAMask-HQ's layout (JPEG of 1024, a PNG of 512 a part of the face), seen at 256, drawn into a
folder that is kept for the next time. It fails where planning with a cached manifest lasts 3 s, where anonymous memory
(RssAnon, worker processes included) varies by 150 MB over a pass, where prepared samples are not three times as fast
as decoded ones, or where a pixel differs.

    python tests/benchmarks/data.py FOLDER [--samples 4000] [--some 512]
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
from PIL import Image

from symmbench import datasets
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.datasets.celebamask_hq import CLASSES
from symmbench.symmflow.checkpoint import save_checkpoint
from symmbench.symmflow.recipe import Recipe

T = TypeVar("T")
NAME, SPLIT, FIRST = "celebamask-hq@256", "validation", 162_771
DRAWINGS, BATCH = 24, 32
RECIPE = {
    "name": "celebamask-hq/unet",
    "method": "unet",
    "dataset": "celebamask-hq",
    "data": {"size": 256},
    "network": {"channels": 8, "multipliers": [1, 2], "depth": 1, "attention": [], "patch": 4},
    "optimizer": {"lr": 1e-3},
    "schedule": {"steps": 1},
    "train": {"batch": 1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=4_000)
    parser.add_argument("--some", type=int, default=512, help="samples by which speeds are compared")
    given = parser.parse_args()
    folder, some = given.folder.absolute(), min(given.some, given.samples)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    root = draw(folder, given.samples)

    made, first = timed(lambda: datasets.manifest(NAME, SPLIT, root))
    print(f"manifest of {len(made):,} samples made or found: {first:.1f} s")
    asked = request(folder, root)
    _, planning = timed(lambda: plan(asked))
    print(f"planning with the manifest in the cache: {planning:.2f} s")

    direct = datasets.dataset(NAME).load(SPLIT, root)
    assert isinstance(direct, datasets.FileSplit)
    direct = datasets.FileSplit(direct.card, direct.manifest, direct.files, direct.layout, direct.view)
    rate, memory = run(direct, given.samples, 2)
    low, high = min(memory), max(memory)
    print(f"decoded, 2 workers: {rate:.1f} images/s over {given.samples:,}; RssAnon {low:.0f}-{high:.0f} MB")
    decoded = {1: run(direct, some, 1)[0], 2: run(direct, some, 2)[0]}

    _, seconds = timed(lambda: datasets.prepare(direct, 2))
    print(f"prepared, or found so: {seconds:.1f} s")
    prepared = datasets.dataset(NAME).load(SPLIT, root)
    ready = {workers: run(prepared, some, workers)[0] for workers in (1, 2)}
    whole, _ = run(prepared, given.samples, 1)
    print(f"prepared, 1 worker: {whole:.1f} images/s over {given.samples:,}")
    for workers in (1, 2):
        ratio = ready[workers] / decoded[workers]
        print(f"{workers} workers: decoded {decoded[workers]:.1f}, prepared {ready[workers]:.1f} images/s: {ratio:.1f}")

    chosen = np.linspace(0, given.samples - 1, 24).astype(int)
    pairs = [(direct.pixels(i), prepared.pixels(i)) for i in chosen]  # type: ignore[attr-defined]
    same = all(np.array_equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))
    kept = {
        "planning under 3 s": planning < 3,
        "memory flat within 150 MB": high - low < 150,
        "prepared three times as fast": all(ready[w] >= 3 * decoded[w] for w in (1, 2)),
        "the same pixels": same,
    }
    for promise, held in kept.items():
        print(f"{'kept  ' if held else 'BROKEN'} {promise}")
    sys.exit(not all(kept.values()))


def timed(do: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return do(), time.perf_counter() - start


def run(split: datasets.Split, count: int, workers: int) -> tuple[float, list[float]]:
    """Images a second over the first `count` samples, and the memory after each batch but the first few, MB."""
    indices = [np.arange(at, min(at + BATCH, count)) for at in range(0, count, BATCH)]
    memory, start = [], time.perf_counter()
    for number, batch in enumerate(split.batches(indices, workers)):
        del batch
        if number >= 2 * workers:  # what is decoded ahead is there
            memory.append(anonymous() / 2**20)
    return count / (time.perf_counter() - start), memory


def anonymous() -> int:
    """RssAnon of this process and of its children, bytes."""
    return sum(of(process.pid) for process in [psutil.Process(), *psutil.Process().children(recursive=True)])


def of(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def request(folder: Path, root: Path) -> Request:
    from symmbench import methods

    recipe = Recipe.model_validate(RECIPE)
    network = methods.method("unet").network(recipe, datasets.card(NAME))
    save_checkpoint(folder / "checkpoint", network.state_dict(), recipe, "step,loss\n", trained_steps=0)
    return Request(
        methods=["unet"],
        tasks=["ss"],
        datasets=["celebamask-hq"],
        size="256",
        split=SPLIT,
        data_root=root,
        checkpoint=str(folder / "checkpoint"),
    )


def draw(folder: Path, count: int) -> Path:
    """Samples 0 to `count` - 1, each file of its own bytes: a number follows one of a few drawings."""
    root = folder / f"CelebAMask-HQ-{count}"
    mapping = root / "CelebA-HQ-to-CelebA-mapping.txt"
    if mapping.is_file():
        return root
    images, parts = list(drawn_images()), list(drawn_parts())
    (root / "CelebA-HQ-img").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        own = f"{number:06d}".encode()
        (root / "CelebA-HQ-img" / f"{number}.jpg").write_bytes(images[number % DRAWINGS] + own)
        annotations = root / "CelebAMask-HQ-mask-anno" / str(number // 2_000)
        annotations.mkdir(parents=True, exist_ok=True)
        for name, data in parts[number % DRAWINGS].items():
            (annotations / f"{number:05d}_{name}.png").write_bytes(data + own)
    lines = [f"{n:<10} {FIRST + n:<10} {FIRST + n + 1:06d}.jpg" for n in range(min(count, 182_638 - FIRST))]
    mapping.write_text("\n".join(["idx        orig_idx   orig_file", *lines]) + "\n")
    return root


def drawn_images() -> Iterator[bytes]:
    """Photograph-like JPEGs of 1024: smooth, with some noise."""
    for seed in range(DRAWINGS):
        random = np.random.default_rng(seed)
        coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((1024, 1024))
        noisy = np.asarray(coarse).astype(int) + random.integers(-6, 7, (1024, 1024, 3))
        yield encoded(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)), "jpeg", quality=90)


def drawn_parts() -> Iterator[dict[str, bytes]]:
    """An ellipse of 512 for each of most parts."""
    y, x = np.mgrid[:512, :512]
    for seed in range(DRAWINGS):
        random, made = np.random.default_rng(seed), {}
        for name in CLASSES[1:]:
            if name in ("eye_g", "hat", "ear_r") and seed % 3:
                continue
            down, right, tall, wide = random.integers([100, 100, 20, 20], [412, 412, 200, 200])
            inside = ((y - down) / tall) ** 2 + ((x - right) / wide) ** 2 < 1
            made[name] = encoded(Image.fromarray(np.repeat(inside[..., None] * np.uint8(255), 3, axis=2)), "png")
        yield made


def encoded(picture: Image.Image, kind: str, **how: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
