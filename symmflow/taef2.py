"""The block of TAEF2 that diffusers has not."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def pooled(block: nn.Module) -> nn.Module:
    """A block of a tiny autoencoder, to whose input a map that is normalised over the whole image is added."""

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv: Any
            self.skip: Any
            self.fuse: Any
            self.conv, self.skip, self.fuse = block.conv, block.skip, block.fuse
            self.pool = nn.Sequential(
                nn.Conv2d(64, 256, 1, bias=False), nn.GroupNorm(4, 256), nn.ReLU(), nn.Conv2d(256, 64, 1, bias=False)
            )

        def forward(self, x: Tensor) -> Tensor:
            x = x + self.pool(x)
            return self.fuse(self.conv(x) + self.skip(x))

    return Pooled()
