"""Random draws addressed by sample, so that no result depends on batch size, order or number of processes.

A draw is a pure function of (seed, sample id, stream, draw): the four name a key of NumPy's counter-based Philox
generator. Everything is drawn on the CPU, in float32, because the CPU and CUDA generators of torch differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

NOISE_VERSION = "philox4x64-numpy-1"


def generator(*address: object) -> np.random.Generator:
    """A Philox generator at an address: any sequence of strings and integers."""
    text = "\x1f".join(str(part) for part in address)
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


@dataclass(frozen=True)
class Draws:
    """The draws of a batch: `seed` and one id a sample; `scope` keeps training steps apart from evaluation."""

    seed: int
    ids: Sequence[str]
    scope: str = "evaluation"
    again: Sequence[int] = ()
    """How often each id came before in the same training step: each time it gets new draws. Empty: never."""

    def normal(self, shape: Sequence[int], stream: str, draw: int = 0) -> torch.Tensor:
        """Standard normal noise, float32 [B, *shape] on the CPU."""
        return self._each(shape, stream, draw, lambda g: g.standard_normal(tuple(shape), dtype=np.float32))

    def uniform(self, shape: Sequence[int], stream: str, draw: int = 0) -> torch.Tensor:
        """Uniform noise in [0, 1), float32 [B, *shape] on the CPU."""
        return self._each(shape, stream, draw, lambda g: g.random(tuple(shape), dtype=np.float32))

    def _each(
        self, shape: Sequence[int], stream: str, draw: int, fill: Callable[[np.random.Generator], np.ndarray]
    ) -> torch.Tensor:
        import torch

        out = np.empty((len(self.ids), *shape), dtype=np.float32)
        for row, sample_id in enumerate(self.ids):
            address: tuple[object, ...] = (self.scope, self.seed, sample_id, stream, draw)
            if self.again and self.again[row]:
                address += (self.again[row],)
            out[row] = fill(generator(*address))
        return torch.from_numpy(out)
