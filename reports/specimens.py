"""A page of images beside their masks or classes, and under it a legend of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pictures import font

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
HEIGHT, WIDEST, MARGIN, LINE = 192, 384, 8, 20
"""Of a picture, at most; between pictures; of a line of text."""
ACROSS, ENTRY = 1600, 230
"""Width of a page, at most; of an entry of the legend."""
VOIDS: tuple[Colour, ...] = ((0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 255))
"""Colours of pixels without a class: the first that no class has."""


@dataclass(frozen=True)
class Specimen:
    """`image`: uint8 [C, H, W]; `label`: class ids [H, W], or the name of a class; `caption`: a few words."""

    image: np.ndarray
    label: np.ndarray | str
    caption: str


@dataclass(frozen=True)
class Entry:
    """A line of the legend; `colour` None: it has none."""

    name: str
    colour: Colour | None


def void_of(palette: Sequence[Colour]) -> Colour:
    """The colour of pixels without a class beside those of a palette."""
    return next(colour for colour in VOIDS if colour not in palette)


def page(
    title: str, specimens: Sequence[Specimen], legend: Sequence[Entry], palette: Sequence[Colour] = ()
) -> Image.Image:
    """Pairs of image and mask in rows, each under its caption, then the legend in columns.

    `palette`: a colour a class id, for masks.
    """
    from PIL import Image, ImageDraw

    tiles = [_tile(specimen, palette) for specimen in specimens]
    width, height = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    columns = max(1, min(len(tiles), (ACROSS - MARGIN) // (width + MARGIN)))
    across = max(columns * (width + MARGIN) + MARGIN, 2 * ENTRY + 2 * MARGIN)
    entries = max(1, (across - 2 * MARGIN) // ENTRY)
    top, rows, lines = LINE + 2 * MARGIN, -(-len(tiles) // columns), -(-len(legend) // entries)
    below = top + rows * (height + MARGIN) + MARGIN
    sheet = Image.new("RGB", (across, below + lines * LINE + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, fill="black", font=font(15))
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        sheet.paste(tile, (MARGIN + column * (width + MARGIN), top + row * (height + MARGIN)))
    for number, entry in enumerate(legend):
        column, line = divmod(number, lines)
        _entry(pen, entry, MARGIN + column * ENTRY, below + line * LINE)
    return sheet


def _tile(specimen: Specimen, palette: Sequence[Colour]) -> Image.Image:
    """Caption, image and mask; or the class in the caption."""
    from PIL import Image, ImageDraw

    shown = [_scaled(specimen.image, smooth=True)]
    caption = specimen.caption
    if isinstance(specimen.label, str):
        caption = f"{specimen.label}  {caption}"
    else:
        colours = np.tile(np.array(void_of(palette), dtype=np.uint8), (256, 1))
        colours[: len(palette)] = palette
        shown.append(_scaled(colours[specimen.label].transpose(2, 0, 1), smooth=False))
    tile = Image.new("RGB", (sum(one.width for one in shown), shown[0].height + LINE), "white")
    ImageDraw.Draw(tile).text((0, 2), caption, fill="black", font=font(13))
    left = 0
    for one in shown:
        tile.paste(one, (left, LINE))
        left += one.width
    return tile


def _scaled(pixels: np.ndarray, *, smooth: bool) -> Image.Image:
    """uint8 [C, H, W] at the height of a page's pictures, its proportions kept; enlarged without smoothing."""
    from PIL import Image

    rgb = np.repeat(pixels, 3, axis=0) if len(pixels) == 1 else pixels
    picture = Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0)))
    scale = min(HEIGHT / picture.height, WIDEST / picture.width)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    how = Image.Resampling.BICUBIC if smooth and scale < 1 else Image.Resampling.NEAREST
    return picture.resize(size, how)


def _entry(pen: ImageDraw.ImageDraw, entry: Entry, left: int, top: int) -> None:
    if entry.colour is not None:
        pen.rectangle((left, top + 2, left + 22, top + LINE - 4), fill=entry.colour, outline="black")
    pen.text((left + (30 if entry.colour else 0), top + 1), entry.name, fill="black", font=font(13))
