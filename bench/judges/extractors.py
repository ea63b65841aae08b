"""What all feature extractors share: how images reach them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Card
from ..records.missing import Missing
from . import weights
from .judge import Features, Found, Judge, Role

if TYPE_CHECKING:
    from torch import Tensor


class Extractor(Judge):
    """Features of images, for Fréchet distance and KID."""

    role: Role = "extractor"

    def suits(self, card: Card) -> bool:
        return not card.is_points

    @abstractmethod
    def network(self, found: Found, device: str) -> Callable[[np.ndarray], Tensor]:
        """uint8 [B, 3, H, W] -> features [B, D]."""

    def load(self, found: Found, card: Card, device: str) -> Features:
        import torch

        network = self.network(found, device)

        def features(images: np.ndarray) -> np.ndarray:
            if images.dtype != np.uint8 or images.ndim != 4:
                raise ValueError(f"features need uint8 [B, C, H, W], not {images.dtype} {images.shape}")
            with torch.inference_mode():
                out = network(as_rgb(images)).float().cpu().numpy()
            if out.ndim != 2 or len(out) != len(images):
                raise ValueError(f"features came out as {out.shape} for {len(images)} images")
            return out

        return features


class Pretrained(Extractor):
    """An extractor whose weights `bench data get` fetches under its own name."""

    def find(self, card: Card) -> Found | Missing:
        path = weights.find(self.name)
        if path is None:
            return weights.unfetched(self.name)
        return self.found(weights.sha256(path), path)


def as_rgb(images: np.ndarray) -> np.ndarray:
    """[B, 3, H, W] as they are; of another number of channels the first, three times."""
    return images if images.shape[1] == 3 else np.repeat(images[:, :1], 3, axis=1)
