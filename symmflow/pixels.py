"""Between pixels, 0-255, and what networks see, [-1, 1]; the id of void pixels in a mask. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

IGNORE = 255
"""Class id of void pixels in a mask: encoded as a colour of its own, never decoded, never counted."""

UNIT = 127.5
"""What 1 of a signal in [-1, 1] is in 0-255 units."""

T = TypeVar("T", np.ndarray, "Tensor")


@overload
def from_uint8(images: np.ndarray) -> np.ndarray: ...
@overload
def from_uint8(images: Tensor) -> Tensor: ...
def from_uint8(images: np.ndarray | Tensor) -> np.ndarray | Tensor:
    """0-255 -> [-1, 1], float32; torch on the device of `images`, which may be float32 colours too."""
    if isinstance(images, np.ndarray):
        return images.astype(np.float32) / np.float32(UNIT) - np.float32(1)
    return images / UNIT - 1


def to_pixels(images: T) -> T:
    """[-1, 1] -> 0-255 in floating point, neither clamped nor rounded."""
    return (images + 1) * UNIT


def to_uint8(images: np.ndarray, rounding: str = "round") -> np.ndarray:
    """[-1, 1] -> 0-255, clamped; `truncate` cuts the fraction off, as some published code does."""
    values = to_pixels(np.clip(images, -1, 1))
    return (np.round(values) if rounding == "round" else np.floor(values)).astype(np.uint8)
