"""The networks of the discriminative floor."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CNN(nn.Module):
    """Three convolutional stages at 32, 16 and 8 pixels, global average, linear: images [B, C, H, W] -> logits [B, K].

    Images of another size are resized to 32x32. `features` gives the 2 * width penultimate activations.
    """

    SIDE = 32

    def __init__(self, in_channels: int, num_classes: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for before, after, pool in ((in_channels, width, 1), (width, width, 2), (width, 2 * width, 2)):
            stages += [
                nn.MaxPool2d(pool),
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.SiLU(),
                nn.Conv2d(after, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.SiLU(),
            ]
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, num_classes)

    def features(self, images: Tensor) -> Tensor:
        """[B, C, H, W] in [-1, 1] -> [B, 2 * width]."""
        if images.shape[-2:] != (self.SIDE, self.SIDE):
            images = nn.functional.interpolate(
                images, size=(self.SIDE, self.SIDE), mode="bilinear", align_corners=False, antialias=True
            )
        return self.stages(images).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(images)))


class Timeless(nn.Module):
    """A flow network as a function of images alone: its time stands at zero."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images, torch.zeros(len(images), device=images.device))
