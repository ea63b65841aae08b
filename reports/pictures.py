"""Tiles and grids of them, as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

MARGIN, CAPTION, TILE = 4, 18, 96


def image_tile(pixels: np.ndarray) -> Image.Image:
    """uint8 [C, H, W] -> a square picture, pixels enlarged without smoothing."""
    from PIL import Image

    rgb = np.repeat(pixels, 3, axis=0) if len(pixels) == 1 else pixels
    return Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0))).resize((TILE, TILE), Image.Resampling.NEAREST)


def mask_tile(mask: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> Image.Image:
    """Class ids [H, W] in the colours of a palette; what it does not name (void) in mid-grey."""
    colors = np.full((256, 3), 128, dtype=np.uint8)
    colors[: len(palette)] = palette
    return image_tile(colors[mask].transpose(2, 0, 1))


def text_tile(text: str) -> Image.Image:
    """A word, the name of a class say."""
    from PIL import Image, ImageDraw

    tile = Image.new("RGB", (TILE, TILE), "white")
    face = font(40 if len(text) < 3 else 13)
    ImageDraw.Draw(tile).text((TILE / 2, TILE / 2), text, fill="black", font=face, anchor="mm")
    return tile


def grid(tiles: Sequence[Sequence[Image.Image]], rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Image.Image:
    """Tiles in rows, with captions at the left and on top."""
    from PIL import Image, ImageDraw

    left = 84 if rows else MARGIN
    top = CAPTION + MARGIN if columns else MARGIN
    width = left + (TILE + MARGIN) * max(len(row) for row in tiles)
    sheet = Image.new("RGB", (width, top + (TILE + MARGIN) * len(tiles)), "white")
    pen, face = ImageDraw.Draw(sheet), font(13)
    for y, row in enumerate(tiles):
        for x, tile in enumerate(row):
            sheet.paste(tile, (left + x * (TILE + MARGIN), top + y * (TILE + MARGIN)))
    for y, text in enumerate(rows):
        pen.text((8, top + y * (TILE + MARGIN) + TILE / 2), text, fill="black", font=face, anchor="lm")
    for x, text in enumerate(columns):
        pen.text((left + x * (TILE + MARGIN) + TILE / 2, MARGIN), text, fill="black", font=face, anchor="mt")
    return sheet


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def font(size: int) -> Any:
    """Pillow's own, `size` pixels high."""
    from PIL import ImageFont

    return ImageFont.load_default(size)
