"""SymmFlow's training objective (eq. 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from .labels import Codec
from .noise import Draws
from .path import SymmetricPath, join


class Objective(Protocol):
    """What a `Trainer` minimises: a scalar loss of a batch, and the figures worth logging."""

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]: ...


@dataclass(frozen=True)
class SymmFlowObjective:
    """Squared error of the velocity (SymmFlow eq. 3), t ~ U(0, 1).

    `image_weight` w weighs w * MSE_x + (1 - w) * MSE_y, as the authors' code does (0.7 latent, 0.9 classification).
    None is the paper's unweighted sum over channels, which equals w = C_x / (C_x + C_y).
    """

    codec: Codec
    path: SymmetricPath
    image_weight: float | None = None

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, C, H, W] in [-1, 1] (or [B, D]); labels: class ids [B, H, W] or [B]."""
        device, x = images.device, images
        clean = self.codec.encode(labels, tuple(x.shape[2:]))
        y = self.codec.dequantize(clean, draws.uniform(clean.shape[1:], "dequantize").to(device))
        noise_x = draws.normal(x.shape[1:], "x").to(device)
        noise_y = draws.normal(y.shape[1:], "y").to(device)
        t = draws.uniform((), "t").to(device)
        x_t, y_t = self.path.interpolate(x, y, noise_x, noise_y, t)
        v_x, v_y = self.path.velocity(x, y, noise_x, noise_y)
        predicted = network(join(x_t, y_t), t)
        error_x = nn.functional.mse_loss(predicted[:, : x.shape[1]].float(), v_x)
        error_y = nn.functional.mse_loss(predicted[:, x.shape[1] :].float(), v_y)
        w = x.shape[1] / (x.shape[1] + y.shape[1]) if self.image_weight is None else self.image_weight
        return w * error_x + (1 - w) * error_y, {"mse_x": error_x.detach(), "mse_y": error_y.detach()}
