"""One mask or synthesis out of one file: class ids or pixels, at the size that is asked for or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Card
from ...symmflow.errors import InputError
from .output_arrays import Rows
from .output_files import ARRAY

if TYPE_CHECKING:
    from PIL import Image

Array = np.ndarray
Size = tuple[int, ...]


def size_of(path: Path, member: str | None = None, channels: tuple[int, ...] = ()) -> Size:
    """(H, W) from the header of a file, or of an array in an archive; its whole shape where that is not [H, W] or, of
    one of these numbers of channels, [H, W, C]."""
    if member is not None or path.suffix.lower() == ARRAY:
        shape = Rows(path, member).shape
        return shape[:2] if len(shape) == 3 and shape[2] in channels else shape
    width, height = _opened(path).size
    return height, width


def read_mask(card: Card, path: Path, member: str | None = None) -> Array:
    """Class ids, int64 [H, W]: of an array, of grey values or palette indices, or of the palette's colours."""
    if member is not None or path.suffix.lower() == ARRAY:
        rows = Rows(path, member)
        return class_ids(rows.everything(), card, rows.name)
    with _opened(path) as image:
        loaded = _loaded(image, path)
        if loaded.mode in ("RGB", "RGBA"):
            return _by_colour(_opaque(loaded, path), card, path)
        if loaded.mode == "P":
            return _by_index(loaded, card, path)
        if loaded.mode not in ("L", "1", "I", "F") and not loaded.mode.startswith("I;16"):
            raise InputError(f"{path} is a mask of mode {loaded.mode}; write class ids as 8-bit grey values.")
        return class_ids(np.asarray(loaded), card, str(path))


def read_image(card: Card, path: Path, member: str | None = None) -> Array:
    """Pixels, uint8 [C, H, W]."""
    if member is not None or path.suffix.lower() == ARRAY:
        rows = Rows(path, member)
        return pixels(rows.everything(), card, rows.name)
    with _opened(path) as image:
        loaded = _loaded(image, path)
        if loaded.mode in ("P", "RGBA", "LA"):
            loaded = _opaque(loaded.convert("RGBA"), path)
        if loaded.mode not in ("L", "RGB", "1"):
            raise InputError(f"{path} is an image of mode {loaded.mode}; write it in 8-bit grey or RGB.")
        return pixels(np.asarray(loaded.convert("L") if loaded.mode == "1" else loaded), card, str(path))


def class_ids(values: Array, card: Card, name: str) -> Array:
    """int64 of class ids, refused where one is none of the card's."""
    if values.dtype.kind not in "uib":
        raise InputError(f"{name} holds {values.dtype} values; class ids are whole numbers.")
    ids = values.astype(np.int64)
    if ids.size and not 0 <= ids.min() <= ids.max() < len(card.classes):
        wrong = ids.max() if ids.max() >= len(card.classes) else ids.min()
        raise InputError(f"{name} has class id {wrong}; {card.name} has {len(card.classes)} classes, from 0.")
    return ids


def pixels(values: Array, card: Card, name: str) -> Array:
    """uint8 [..., H, W, C] or [..., H, W] -> [..., C, H, W]; grey ones become RGB where the card has colours."""
    if values.dtype != np.uint8:
        raise InputError(f"{name} holds {values.dtype} values; pixels are uint8, 0-255.")
    if values.shape[-3:] != (*card.size, values.shape[-1]) or values.shape[-1] not in (1, 3):
        values = values[..., None]
    if card.channels == 1 and values.shape[-1] == 3:
        if (values != values[..., :1]).any():
            raise InputError(f"{name} is in colour, and {card.name} is grey; write it in grey.")
        values = values[..., :1]
    wide = np.broadcast_to(values, (*values.shape[:-1], card.channels)) if values.shape[-1] == 1 else values
    return np.moveaxis(wide, -1, -3)


def _by_index(image: Image.Image, card: Card, path: Path) -> Array:
    """Palette indices are class ids, unless all their colours are the card's, of other classes."""
    index = np.asarray(image)
    used, own = np.unique(index), np.asarray(image.convert("RGB"))
    colours = dict(zip(index.ravel().tolist(), map(tuple, own.reshape(-1, 3).tolist()), strict=True))
    palette = list(card.palette or ())
    if all(colours[i] in palette for i in used.tolist()) and any(
        i >= len(palette) or colours[i] != tuple(palette[i]) for i in used.tolist()
    ):
        raise InputError(
            f"{path} is an indexed PNG whose indices and colours name different classes of {card.name}; write class "
            "ids as grey values, or the colours as RGB."
        )
    return class_ids(index, card, str(path))


def _by_colour(image: Image.Image, card: Card, path: Path) -> Array:
    palette = _palette(card)
    codes = np.asarray(image).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    order = np.argsort(palette)
    place = np.searchsorted(palette[order], codes).clip(max=len(palette) - 1)
    ids = order[place]
    if (strange := palette[ids] != codes).any():
        row, column = (int(axis[0]) for axis in np.nonzero(strange))
        code = int(codes[row, column])
        colour = (code >> 16, code >> 8 & 255, code & 255)
        raise InputError(
            f"{path} has the colour {colour} at row {row}, column {column}, which no class of {card.name} has; write "
            "class ids as grey values, or the palette's colours without loss."
        )
    return ids.astype(np.int64)


def _palette(card: Card) -> Array:
    colours = np.array(card.palette or ()).reshape(-1, 3).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    if len(set(colours.tolist())) < len(colours):
        raise InputError(f"two classes of {card.name} have one colour, so that colours name no class; write class ids.")
    return np.asarray(colours)


def _opaque(image: Image.Image, path: Path) -> Image.Image:
    if image.mode == "RGBA" and np.asarray(image)[..., 3].min() < 255:
        raise InputError(f"{path} is transparent in places; write it without an alpha channel.")
    return image.convert("RGB")


def _opened(path: Path) -> Image.Image:
    from PIL import Image

    try:
        return Image.open(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        empty = path.is_file() and path.stat().st_size == 0
        said = (
            "it has 0 bytes"
            if empty
            else "it is no image"
            if isinstance(error, Image.UnidentifiedImageError)
            else error
        )
        raise InputError(f"{path} cannot be read ({said}); write it again.") from None


def _loaded(image: Image.Image, path: Path) -> Image.Image:
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} cannot be read ({error}); write it again.") from None
    return image
