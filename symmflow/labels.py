"""Labels as continuous signals: class maps, colour palettes and anchors; dequantisation (eq. 9) and its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .device import placed
from .errors import InputError
from .pixels import IGNORE, UNIT, from_uint8


class Codec(Protocol):
    """Between class ids and the signal y that flows."""

    @property
    def channels(self) -> int: ...
    @property
    def num_classes(self) -> int: ...

    def encode(self, labels: Tensor, spatial: Sequence[int]) -> Tensor:
        """Class ids -> clean signal [B, channels, *spatial], float32."""
        ...

    def dequantize(self, clean: Tensor, uniform: Tensor) -> Tensor:
        """y' = y + eps (SymmFlow eq. 9); `uniform`: draws in [0, 1), shaped like `clean`."""
        ...

    def to_signal(self, colors: Tensor) -> Tensor:
        """What flows for a clean signal, or one with another noise than `dequantize` adds: the same, unless the codec
        ends in latents."""
        ...

    def decode(self, signal: Tensor) -> Tensor:
        """Signal -> class ids, int64: the nearest label."""
        ...

    def distances(self, signal: Tensor) -> Tensor:
        """Signal -> squared distance to every label, [B, K, ...]; the smallest wins."""
        ...


@dataclass(frozen=True)
class ClassMap:
    """A class as a constant one-channel map; decoded by the nearest label to the mean over pixels.

    `paper`: the index normalised to [-1, 1] (SymmFlow, Dequantization). `official`: the authors' code, values in
    [-eta/2, eta/2]. Either way neighbours lie `spacing` apart and the noise is uniform in +-`beta`; by default
    a quarter of the spacing, which is the official width (the paper states none). The toy's U(-1.5, -.5) and
    U(.5, 1.5) are `official` with eta = 2 and two classes.
    """

    num_classes: int
    scaling: str = "paper"
    eta: float = 4.0
    beta: float | None = None
    channels: int = field(default=1, init=False)

    def __post_init__(self) -> None:
        if self.scaling not in ("paper", "official"):
            raise InputError(f"labels.scaling is {self.scaling!r}; choose 'paper' or 'official'.")
        if self.num_classes < 2:
            raise InputError(f"a class map needs at least two classes, not {self.num_classes}.")
        if not 0 <= self.noise < self.spacing / 2:
            raise InputError(
                f"labels.beta = {self.noise:g} would mix classes that lie {self.spacing:g} apart; "
                f"choose one in [0, {self.spacing / 2:g})."
            )

    @property
    def peak(self) -> float:
        return 1.0 if self.scaling == "paper" else self.eta / 2

    @property
    def spacing(self) -> float:
        """Distance between neighbouring labels."""
        return 2 * self.peak / (self.num_classes - 1)

    @property
    def noise(self) -> float:
        """Half width of the dequantisation noise, in the units of the signal."""
        return self.spacing / 4 if self.beta is None else self.beta

    def values(self, device: torch.device | str | None = None) -> Tensor:
        """The label of every class, [K]."""
        return torch.linspace(-self.peak, self.peak, self.num_classes, device=device)

    def encode(self, labels: Tensor, spatial: Sequence[int]) -> Tensor:
        flat = self.values(labels.device)[labels]  # [B]
        return flat.reshape(-1, 1, *[1] * len(spatial)).expand(-1, 1, *spatial)

    def dequantize(self, clean: Tensor, uniform: Tensor) -> Tensor:
        return clean + self.noise * (2 * uniform - 1)

    def to_signal(self, colors: Tensor) -> Tensor:
        return colors

    def distances(self, signal: Tensor) -> Tensor:
        mean = signal.float().flatten(1).mean(dim=1, keepdim=True)  # [B, 1]
        return (mean - self.values(signal.device)).square()

    def decode(self, signal: Tensor) -> Tensor:
        return self.distances(signal).argmin(dim=1)


@dataclass(frozen=True)
class Palette:
    """A colour a class; a pixel is decoded to the nearest colour (L2).

    `colors`: [K, C] in 0-255 units. `beta`: half width of the uniform noise, in 0-255 units; `official` halves it, as
    the authors' code does. `void`: the colour of pixels without a label; None is mid-grey. The signal is `from_uint8`
    of the colour.
    """

    colors: tuple[tuple[float, ...], ...]
    beta: float = 10.0
    official: bool = False
    void: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.void is not None and len(self.void) != self.channels:
            raise InputError(f"labels.void has {len(self.void)} values; choose {self.channels}, as the colours have.")
        if self.beta < 0:
            raise InputError(f"labels.beta = {self.beta:g} is negative; choose 0 or more.")
        if self.noise >= (limit := self.noise_limit):
            raise InputError(
                f"labels.beta = {self.beta:g} would turn one colour into another; "
                f"this palette holds less than {limit:.4g}."
            )

    @property
    def num_classes(self) -> int:
        return len(self.colors)

    @property
    def channels(self) -> int:
        return len(self.colors[0])

    @property
    def noise(self) -> float:
        """Half width of the noise, in 0-255 units."""
        return self.beta / 2 if self.official else self.beta

    @cached_property
    def noise_limit(self) -> float:
        """The noise at which two colours first touch: min over pairs of |d|_2^2 / (2 |d|_1), d their difference."""
        c = np.asarray(self.colors, dtype=np.float64)
        first, second = np.triu_indices(len(c), k=1)
        d = np.abs(c[first] - c[second])
        if len(d) and (d.sum(axis=1) == 0).any():
            raise InputError("two classes of the palette have the same colour; give each its own.")
        return float((np.square(d).sum(axis=1) / (2 * d.sum(axis=1))).min()) if len(d) else float("inf")

    def table(self, device: torch.device | str | None = None) -> Tensor:
        """[K, C] in signal units."""
        return from_uint8(placed(torch.tensor(self.colors, dtype=torch.float32), device))

    def encode(self, labels: Tensor, spatial: Sequence[int]) -> Tensor:
        if tuple(labels.shape[1:]) != tuple(spatial):
            raise InputError(f"masks are {tuple(labels.shape[1:])} but images are {tuple(spatial)}; make them equal.")
        void = torch.tensor([self.void or (UNIT,) * self.channels], dtype=torch.float32)
        table = torch.cat([self.table(labels.device), from_uint8(placed(void, labels.device))])
        index = torch.where(labels == IGNORE, self.num_classes, labels)
        return table[index].movedim(-1, 1)  # [B, H, W, C] -> [B, C, H, W]

    def dequantize(self, clean: Tensor, uniform: Tensor) -> Tensor:
        return clean + self.noise / UNIT * (2 * uniform - 1)

    def to_signal(self, colors: Tensor) -> Tensor:
        return colors

    def distances(self, signal: Tensor) -> Tensor:
        pixels = signal.float().movedim(1, -1)  # [B, H, W, C]
        table = self.table(signal.device)
        with torch.autocast(signal.device.type, enabled=False):  # a bf16 product would move pixels to other classes
            cross = pixels @ table.T  # [B, H, W, K]
        squared = pixels.square().sum(-1, keepdim=True) - 2 * cross + table.square().sum(-1)
        return squared.clamp_min(0).movedim(-1, 1)  # [B, K, H, W]

    def decode(self, signal: Tensor) -> Tensor:
        return self.distances(signal).argmin(dim=1)


def anchors(
    num_classes: int, *, k: int = 6, s: float = 50.0, beta: float = 6.0, void: tuple[float, ...] | None = None
) -> Palette:
    """SemFlow's pseudo mask (its eq. 7): class c -> s * (c // k^2, (c // k) % k, c % k), in 0-255 units."""
    if num_classes > k**3:
        raise InputError(f"{num_classes} classes do not fit {k}^3 anchors; choose a larger labels.k.")
    if s * (k - 1) > 255:
        raise InputError(f"labels.s = {s:g} with k = {k} leaves the range 0-255; choose s <= {255 / (k - 1):g}.")
    grid = tuple((s * (c // k**2), s * (c // k % k), s * (c % k)) for c in range(num_classes))
    return Palette(grid, beta=beta, void=void)
