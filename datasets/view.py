"""Views: the size and the crop at which the images of a data set are seen, part of its name: `camvid@96x128`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.noise import generator

Array = np.ndarray
Box = tuple[int, int, int, int]
"""left, top, right, bottom."""
Crop = Literal["whole", "center", "by-id"]
CROPS: tuple[Crop, ...] = ("whole", "center", "by-id")
LARGEST = 8192


@dataclass(frozen=True)
class View:
    """`size`: (H, W). `crop`: the whole image, stretched; or the largest box of the view's proportions, in the middle
    of the image, or at a place that the sample's id draws.

    Images are resized by Pillow's bicubic filter, which is antialiased (its support grows with the reduction); masks
    take the nearest pixel.
    """

    size: tuple[int, int]
    crop: Crop = "whole"

    def __str__(self) -> str:
        height, width = self.size
        side = f"{height}" if height == width else f"{height}x{width}"
        return side if self.crop == "whole" else f"{side}-{self.crop}"

    @property
    def preprocessing(self) -> str:
        """What is done to originals, as a protocol says it: another way to do it needs other words."""
        part = {"whole": "the whole image", "center": "the middle", "by-id": "a part drawn by the id"}[self.crop]
        height, width = self.size
        return f"{part} at {height}x{width}: Pillow's bicubic (antialiased) for images, nearest for masks"

    def box(self, size: tuple[int, int], sample_id: str) -> Box:
        """The part of an image of `size` (H, W) that is seen."""
        height, width = size
        if self.crop == "whole":
            return 0, 0, width, height
        scale = min(height / self.size[0], width / self.size[1])
        tall, wide = round(self.size[0] * scale), round(self.size[1] * scale)
        down, right = np.full(2, 0.5) if self.crop == "center" else generator("crop", sample_id).random(2)
        top, left = int((height - tall) * down), int((width - wide) * right)
        return left, top, left + wide, top + tall

    def image(self, image: Array, sample_id: str) -> Array:
        """uint8 [h, w, 3] -> uint8 [H, W, 3]."""
        from PIL import Image

        left, top, right, bottom = self.box(image.shape[:2], sample_id)
        part = image[top:bottom, left:right]
        if part.shape[:2] == self.size:
            return part
        height, width = self.size
        return np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC))

    def mask(self, mask: Array, sample_id: str) -> Array:
        """Class ids [h, w] -> [H, W]."""
        left, top, right, bottom = self.box(mask.shape, sample_id)
        return mask[_nearest(top, bottom, self.size[0])[:, None], _nearest(left, right, self.size[1])]


def nearest(mask: Array, size: tuple[int, int]) -> Array:
    """Class ids [..., h, w] at another size (H, W), each pixel that of the nearest centre."""
    rows, columns = (_nearest(0, before, after) for before, after in zip(mask.shape[-2:], size, strict=True))
    return mask[..., rows[:, None], columns]


def view(size: str, crop: str = "whole") -> View:
    """A view by its size: `256`, or `HEIGHTxWIDTH`; with the crop in it as in names: `256-center`."""
    found = re.fullmatch(r"(\d+)(?:x(\d+))?(?:-(center|by-id))?", size)
    if found is None or crop not in CROPS or (found[3] and crop not in ("whole", found[3])):
        raise InputError(
            f"--size {size}{'' if crop == 'whole' else f' --crop {crop}'} is no view; give --size SIDE or HEIGHTxWIDTH "
            f"(256, 96x128), and --crop {', '.join(CROPS)}."
        )
    height, width = int(found[1]), int(found[2] or found[1])
    if not (0 < height <= LARGEST and 0 < width <= LARGEST):
        raise InputError(f"--size {size}: sides lie in 1-{LARGEST}.")
    return View((height, width), found[3] or crop)  # type: ignore[arg-type]


def split_name(name: str) -> tuple[str, View | None]:
    """`camvid@96x128` -> (`camvid`, its view); a name without a view -> (name, None)."""
    base, at, size = name.rpartition("@")
    return (base, view(size)) if at and re.fullmatch(r"\d+(x\d+)?(-center|-by-id)?", size) else (name, None)


def _nearest(first: int, last: int, count: int) -> Array:
    """The `count` positions in [first, last) whose pixels lie under evenly spaced centres, in whole numbers.

    A centre on the border of two pixels takes the second.
    """
    return first + (2 * np.arange(count) + 1) * (last - first) // (2 * count)
