"""SymmFlow at inference: one network, integrated forward to synthesize and backward to segment or classify."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from .labels import Codec
from .noise import Draws
from .path import join
from .solvers import Steps, Trace, integrate


@dataclass(frozen=True)
class SymmFlow:
    """A trained velocity field and its label codec.

    The state is [x, y] in the channels: (noise, label) at t = 0, (image, noise) at t = 1. The whole state moves in both
    directions. `image_channels`: channels of x.
    """

    network: nn.Module
    codec: Codec
    image_channels: int

    def labels(self, images: Tensor, draws: Draws, *, steps: Steps, solver: str, trace: Trace | None = None) -> Tensor:
        """The label signal y at t = 0 from images [B, C, ...] in [-1, 1] (eq. 8): start (x, noise), t 1 -> 0."""
        noise = draws.normal((self.codec.channels, *images.shape[2:]), "y").to(images.device)
        state = join(images, noise)
        end = integrate(self.network, state, start=1.0, end=0.0, steps=steps, solver=solver, trace=trace)
        return end[:, self.image_channels :]

    def segment(
        self, images: Tensor, draws: Draws, *, steps: Steps, solver: str = "euler", trace: Trace | None = None
    ) -> Tensor:
        """Class ids [B, H, W] of images [B, C, H, W] in [-1, 1]."""
        return self.codec.decode(self.labels(images, draws, steps=steps, solver=solver, trace=trace))

    def classify(
        self, images: Tensor, draws: Draws, *, steps: Steps, solver: str = "euler", trace: Trace | None = None
    ) -> tuple[Tensor, Tensor]:
        """Class ids [B] and scores [B, K] (minus the squared distance to each label: an order, no probability)."""
        signal = self.labels(images, draws, steps=steps, solver=solver, trace=trace)
        distances = self.codec.distances(signal)
        return distances.argmin(dim=1), -distances

    def synthesize(
        self,
        labels: Tensor,
        draws: Draws,
        *,
        steps: Steps,
        size: tuple[int, ...],
        solver: str = "euler",
        draw: int = 0,
        trace: Trace | None = None,
    ) -> Tensor:
        """Images [B, C, *size] of class ids [B, H, W] or [B]: start (noise, dequantised label), t 0 -> 1.

        Not clamped. `draw` numbers the samples of one label.
        """
        clean = self.codec.encode(labels, size)
        uniform = draws.uniform(clean.shape[1:], "dequantize", draw).to(clean.device)
        noise = draws.normal((self.image_channels, *size), "x", draw).to(clean.device)
        state = join(noise, self.codec.dequantize(clean, uniform))
        end = integrate(self.network, state, start=0.0, end=1.0, steps=steps, solver=solver, trace=trace)
        return end[:, : self.image_channels]
