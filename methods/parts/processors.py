"""Image processors of transformers that see all of an image, every pixel in its place.

A mask that a segmenter makes of a part of an image, or of one with a border around it, would be stretched over the
whole of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from .windows import Window

if TYPE_CHECKING:
    from torch import Tensor


def uncropped(processor: Any, path: Path, size: tuple[int, ...], window: Window | None) -> None:
    """Let a processor crop and pad nothing, nor resize where windows see the image as it is; then prove it.

    `size`: (H, W) of the images. Raises `InputError` where it moves pixels all the same, or where the model cannot do
    without the border.
    """
    divisor = getattr(processor, "size_divisor", None) if getattr(processor, "do_pad", None) else None
    for step in ("do_center_crop", "do_pad", *(("do_resize",) if window else ())):
        if getattr(processor, step, None):
            setattr(processor, step, False)
    what = f"the image processor in {path}, {type(processor).__name__},"
    shape = _proven(processor, what, size, resizes=window is None)
    seen = (min(of) for of in zip(shape, window.size, strict=True)) if window else shape
    if divisor and any(side % divisor for side in seen):
        raise InputError(
            f"{what} pads images to multiples of {divisor} pixels, and a mask of such an image lies elsewhere; "
            "give a window that is such a multiple, or a model whose size is one."
        )


def prepared(processor: Any, pixels: list[Tensor]) -> Tensor:
    """Float32 [B, 3, h, w] of uint8 images [3, H, W]."""
    values: Tensor = processor(images=pixels, return_tensors="pt", input_data_format="channels_first")["pixel_values"]
    return values


def _proven(processor: Any, what: str, size: tuple[int, ...], *, resizes: bool) -> tuple[int, ...]:
    """(h, w) of what a processor makes of images (H, W), if a place in one is the same place in the other.

    It is shown black, white, and grey that grows from left to right and from top to bottom. Normalisation is undone
    with black and white, which are alike in a border, and grey tells how far along each side a pixel came from: exact
    to one pixel of the coarser of the two, and a grey level.
    """
    import torch

    height, width = size
    down, right = torch.linspace(0, 255, height).round()[:, None], torch.linspace(0, 255, width).round()[None]
    marks = [torch.zeros(size), torch.full(size, 255.0), down.expand(size), right.expand(size)]
    values = prepared(processor, [mark.to(torch.uint8).expand(3, -1, -1) for mark in marks])
    refused = InputError(
        f"{what} crops, pads or moves what it is shown, so that a mask would lie elsewhere in the image; give a model "
        "whose processor only resizes and normalises."
    )
    if not resizes and values.ndim == 4:
        values = values[..., :height, :width]  # a border below and on the right is cut off again
        if tuple(values.shape[-2:]) != size:
            raise refused
    if values.ndim != 4 or len(values) != len(marks):
        raise refused
    black, white, *grown = values.float()
    if (white - black).abs().min() < 1e-6:
        raise refused
    for axis, grey in enumerate(grown, start=1):
        side, own = size[axis - 1], grey.shape[axis]
        places = ((torch.arange(own) + 0.5) * side / own - 0.5).clamp(0, side - 1) / max(side - 1, 1)
        expected = places.reshape([-1 if a == axis else 1 for a in range(3)])
        off = ((grey - black) / (white - black) - expected).abs().max()
        if not off <= 1 / max(min(side, own) - 1, 1) + 1 / 255:
            raise refused
    return tuple(values.shape[-2:])
