"""Sample grids and previews as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Batch, Card

if TYPE_CHECKING:
    from PIL import Image

MARGIN, CAPTION, TILE = 4, 18, 96


def preview(card: Card, task: str, batch: Batch, output: np.ndarray) -> bytes:
    """PNG of the first images of a cell. `output`: what the method made of them: class ids, masks or uint8 images."""
    count = len(batch.ids)
    real = [to_tile(image, card) for image in batch.images]
    if task == "sis":
        label = [label_tile(value, card) for value in batch.labels]
        made = [uint8_tile(image) for image in output[:count]]
        return png(grid([label, made, real], rows=["label", "sample", "real"]))
    truth = [label_tile(value, card) for value in batch.labels]
    made = [label_tile(value, card) for value in output[:count]]
    return png(grid([real, made, truth], rows=["image", "predicted", "truth"]))


def to_tile(image: np.ndarray, card: Card) -> Image.Image:
    """float [C, H, W] in [-1, 1] -> a square picture."""
    return uint8_tile(np.round((np.clip(image, -1, 1) + 1) * 127.5).astype(np.uint8))


def uint8_tile(image: np.ndarray) -> Image.Image:
    """uint8 [C, H, W] -> a square picture, pixels enlarged without smoothing."""
    from PIL import Image

    rgb = np.repeat(image, 3, axis=0) if len(image) == 1 else image
    return Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0))).resize((TILE, TILE), Image.Resampling.NEAREST)


def label_tile(label: np.ndarray | int, card: Card) -> Image.Image:
    """A mask in its palette (void in mid-grey), or the name of a class."""
    from PIL import Image, ImageDraw

    label = np.asarray(label)
    if label.ndim == 2:
        assert card.palette is not None
        colors = np.full((256, 3), 128, dtype=np.uint8)
        colors[: len(card.palette)] = card.palette
        return uint8_tile(colors[label].transpose(2, 0, 1))
    tile = Image.new("RGB", (TILE, TILE), "white")
    name = card.classes[int(label)]
    ImageDraw.Draw(tile).text(
        (TILE / 2, TILE / 2), name, fill="black", font=_font(40 if len(name) < 3 else 13), anchor="mm"
    )
    return tile


def grid(tiles: Sequence[Sequence[Image.Image]], rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Image.Image:
    """Pictures in rows, with captions at the left and on top."""
    from PIL import Image, ImageDraw

    left = 84 if rows else MARGIN
    top = CAPTION + MARGIN if columns else MARGIN
    width = left + (TILE + MARGIN) * max(len(row) for row in tiles)
    sheet = Image.new("RGB", (width, top + (TILE + MARGIN) * len(tiles)), "white")
    pen, font = ImageDraw.Draw(sheet), _font(13)
    for y, row in enumerate(tiles):
        for x, tile in enumerate(row):
            sheet.paste(tile, (left + x * (TILE + MARGIN), top + y * (TILE + MARGIN)))
    for y, text in enumerate(rows):
        pen.text((8, top + y * (TILE + MARGIN) + TILE / 2), text, fill="black", font=font, anchor="lm")
    for x, text in enumerate(columns):
        pen.text((left + x * (TILE + MARGIN) + TILE / 2, MARGIN), text, fill="black", font=font, anchor="mt")
    return sheet


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
