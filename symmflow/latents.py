"""Image codecs: one interface between pixels and the space in which a network works; labels that end in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from .labels import Palette
from .noise import Draws

if TYPE_CHECKING:
    from .autoencoders import Autoencoder
    from .objective import Objective


class ImageCodec(Protocol):
    """Between images [B, C, H, W] in [-1, 1] and what a network sees of them, [B, c, h, w]."""

    def shape(self, image: Sequence[int]) -> tuple[int, ...]:
        """(c, h, w) of images of shape (C, H, W); reads no weights."""
        ...

    def pixels(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """(H, W) of latents of (h, w)."""
        ...

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images -> latents, float32. `noise`: standard normal, of the latents' shape, draws them from the posterior,
        where the codec has one; None: its mode."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents -> images, float32, not clamped."""
        ...


class Pixels:
    """The identity: the network sees pixels, or points."""

    def shape(self, image: Sequence[int]) -> tuple[int, ...]:
        return tuple(image)

    def pixels(self, spatial: Sequence[int]) -> tuple[int, ...]:
        return tuple(spatial)

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return images

    def decode(self, latents: Tensor) -> Tensor:
        return latents


@dataclass(frozen=True)
class LatentLabels:
    """A colour codec that ends in an image codec: colours, noise on the pixels, then the mode of the latents.

    A `Codec` whose clean signal is still pixels and whose noisy signal flows.
    """

    colors: Palette
    images: ImageCodec

    @property
    def channels(self) -> int:
        return self.images.shape((self.colors.channels, *self.images.pixels((1, 1))))[0]

    @property
    def num_classes(self) -> int:
        return self.colors.num_classes

    def encode(self, labels: Tensor, spatial: Sequence[int]) -> Tensor:
        return self.colors.encode(labels, self.images.pixels(spatial))

    def dequantize(self, clean: Tensor, uniform: Tensor) -> Tensor:
        return self.to_signal(self.colors.dequantize(clean, uniform))

    def to_signal(self, colors: Tensor) -> Tensor:
        return self.images.encode(colors)

    def distances(self, signal: Tensor) -> Tensor:
        return self.colors.distances(self.images.decode(signal))

    def decode(self, signal: Tensor) -> Tensor:
        # one by one: 171 distances a pixel of 512x512 are 180 MB
        return torch.cat([self.colors.decode(self.images.decode(one)) for one in signal.split(1)])


@dataclass(frozen=True)
class InLatents:
    """An objective on the latents of images, drawn from their posterior with `sample`.

    `encoded`: it is given what the autoencoder says of images (`Autoencoder.moments`), not the images.
    """

    objective: Objective
    images: Autoencoder
    sample: bool
    encoded: bool = False

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, 3, H, W] in [-1, 1]; labels: as the objective takes them, at the size of the images."""
        moments = images if self.encoded else self.images.moments(images)
        noise = None
        if self.sample:
            noise = draws.normal((self.images.config.channels, *moments.shape[2:]), "posterior")
        return self.objective.loss(network, self.images.drawn(moments, noise), labels, draws)
