"""Latents of training images, encoded once and kept on disk.

What is kept of an image is what an autoencoder says of it before anything is drawn (`Autoencoder.moments`: mean and
logarithm of the variance), so that each step draws its own latents from it, the very ones of a training that encodes.
A file holds `SHARD` samples, either as they are or flipped, and appears whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..autoencoders import Autoencoder
from ..errors import InputError
from ..files import atomic
from ..locks import acquire
from ..recipe import Recipe
from .ahead import made_ahead, packed, unpacked

if TYPE_CHECKING:
    from .feed import TrainingSet

SHARD = 256
"""Samples a file."""
FORMAT = "moments@1"
STORED: dict[str, np.dtype[Any]] = {
    "fp32": np.dtype(np.float32),
    "fp16": np.dtype(np.float16),
    "bf16": np.dtype(np.int16),
}
"""What the files hold, by the precision in which the autoencoder computes; NumPy has no bfloat16, so its bits."""


def not_cached(recipe: Recipe) -> str:
    """Why the latents of a recipe's images cannot be encoded once for all steps; empty where they can."""
    if recipe.latents.codec == "pixels":
        return "its network sees pixels"
    data = recipe.data
    moved = [name for name in ("shift", "rotate", "scale") if getattr(data, name)]
    return f"each step moves its images anew (data.{moved[0]})" if moved else ""


@dataclass(frozen=True)
class CachedLatents:
    """A training set that gives, instead of images, what an autoencoder says of them. `fill` comes first.

    `folder` is of these data, this autoencoder and this precision; `shape`: of a sample's moments, (m, h, w); `flips`:
    flipped images are kept beside the others, since the latents of a flipped image are not the flipped latents.
    """

    data: TrainingSet
    codec: Autoencoder
    folder: Path
    shape: tuple[int, ...]
    precision: str = "fp32"
    flips: bool = False
    report: Callable[[int, int], None] | None = field(default=None, compare=False)
    """Told of samples that are encoded, and of how many there are, each orientation one."""

    def __len__(self) -> int:
        return len(self.data)

    def batch(self, index: Sequence[int] | np.ndarray) -> Any:
        return self.data.batch(index)

    @property
    def files(self) -> list[tuple[int, bool]]:
        """(number, flipped) of every file that there will be."""
        return [(number, way) for number in range(-(-len(self) // SHARD)) for way in (False, True)[: 1 + self.flips]]

    @property
    def size(self) -> int:
        """Bytes on disk, when it is full."""
        return len(self) * (1 + self.flips) * int(np.prod(self.shape)) * STORED[self.precision].itemsize

    @property
    def missing(self) -> list[tuple[int, bool]]:
        """The files that are not there, or not whole."""
        return [file for file in self.files if not self._whole(*file)]

    def moments(self, index: Sequence[int] | np.ndarray, flipped: Tensor) -> Tensor:
        """Of samples by position, [B, m, h, w]; `flipped`: of which images, truth values [B]."""
        rows = []
        for position, way in zip(index, flipped.tolist(), strict=True):
            number, row = divmod(int(position), SHARD)
            rows.append(_opened(self._path(number, way), os.getpid())[row])
        return unpacked(np.stack(rows))

    def fill(
        self, device: torch.device | str, precision: Callable[[], AbstractContextManager[Any]], workers: int = 0
    ) -> None:
        """Encode what is missing. Several processes may do so at once: each file is made by one of them.

        `precision`: the context in which the network will compute; `workers` read the images ahead.
        """
        missing = self.missing
        first = os.getpid() % max(len(missing), 1)
        held = []
        for file in [*missing[first:], *missing[:first]]:
            if not self._made(file, device, precision, workers, wait=False):
                held.append(file)
        for file in held:  # of another process, perhaps one that dies
            self._made(file, device, precision, workers, wait=True)

    def _made(self, file: tuple[int, bool], device: Any, precision: Any, workers: int, *, wait: bool) -> bool:
        """Whether a file is there now; it is not where another process makes it and we do not `wait`."""
        path = self._path(*file)
        lock = acquire(path.with_suffix(".lock"), wait=wait)
        if lock is None:
            return False
        with lock:
            if not self._whole(*file):
                self._write(path, *file, device, precision, workers)
        if self.report:
            self.report(sum(self._count(*done) for done in self.files if self._path(*done).exists()), self._total)
        return True

    def _write(self, path: Path, number: int, flipped: bool, device: Any, precision: Any, workers: int) -> None:
        """Batches are of one size, the last one too: kernels of other sizes may differ in the last bits."""
        positions = np.arange(number * SHARD, number * SHARD + self._count(number, flipped))
        size = self.codec.config.chunk
        chunks = [np.resize(chunk, size) for chunk in np.split(positions, range(size, len(positions), size))]

        def images(chunk: int) -> np.ndarray:
            found: np.ndarray = self.data.batch(chunks[chunk]).images
            return np.ascontiguousarray(found[..., ::-1]) if flipped else found

        made = []
        for pixels in made_ahead(images, range(len(chunks)), workers):
            with precision():
                made.append(self.codec.moments(torch.from_numpy(pixels).to(device)).cpu())
        found = packed(torch.cat(made))[: len(positions)]
        if (found.shape[1:], found.dtype) != (self.shape, STORED[self.precision]):
            raise InputError(
                f"the autoencoder makes {found.dtype} {list(found.shape[1:])} of an image, not "
                f"{STORED[self.precision]} {list(self.shape)} as the recipe says; mend [latents]."
            )
        with atomic(path) as aside, aside.open("wb") as file:
            np.save(file, found)

    def _path(self, number: int, flipped: bool) -> Path:
        return self.folder / f"{number:05d}{'-flipped' if flipped else ''}.npy"

    def _count(self, number: int, flipped: bool) -> int:
        return min(SHARD, len(self) - number * SHARD)

    @property
    def _total(self) -> int:
        return len(self) * (1 + self.flips)

    def _whole(self, number: int, flipped: bool) -> bool:
        """Whether a file is there and, by its header and length, what it should be."""
        try:
            found = np.load(self._path(number, flipped), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):  # none, cut, or of another kind
            return False
        wanted = ((self._count(number, flipped), *self.shape), STORED[self.precision])
        return (found.shape, found.dtype) == wanted


@lru_cache(maxsize=1024)
def _opened(path: Path, process: int) -> np.ndarray:
    """A mapped file; its pages belong to the system, not to this process."""
    return np.load(path, mmap_mode="r", allow_pickle=False)
