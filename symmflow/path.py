"""The symmetric path between (noise, label) at t = 0 and (image, noise) at t = 1 (SymmFlow eq. 1-2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SymmetricPath:
    """Images flow out of noise while labels flow into it.

    `sigma_min` = 0 is the paper's path. The authors' code leaves a little noise at the clean ends: sigma_min = 1e-4.
    """

    sigma_min: float = 0.0

    def interpolate(self, x: Tensor, y: Tensor, noise_x: Tensor, noise_y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """State (x_t, y_t) of SymmFlow eq. 1. x, y and their noise: [B, C, ...]; t: [B] in [0, 1]."""
        t_x, t_y = along(t, x), along(t, y)
        s = self.sigma_min
        if s == 0:
            return (1 - t_x) * noise_x + t_x * x, (1 - t_y) * y + t_y * noise_y
        return (1 - (1 - s) * t_x) * noise_x + t_x * x, (1 - (1 - s) * t_y) * y + t_y * noise_y

    def velocity(self, x: Tensor, y: Tensor, noise_x: Tensor, noise_y: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity (v_x, v_y) = d(x_t, y_t)/dt of SymmFlow eq. 2; constant in t. Shapes as `interpolate`."""
        return x - (1 - self.sigma_min) * noise_x, noise_y - (1 - self.sigma_min) * y


def along(t: Tensor, other: Tensor) -> Tensor:
    """Times [B] -> [B, 1, ...] with the rank and dtype of `other`."""
    return t.reshape(-1, *[1] * (other.dim() - 1)).to(other.dtype)


def join(x: Tensor, y: Tensor) -> Tensor:
    """The network's input: images and labels side by side in the channels, [B, C_x + C_y, ...]."""
    return torch.cat([x, y], dim=1)
