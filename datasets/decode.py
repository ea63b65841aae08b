"""From the bytes of a piece to pixels and class ids: pure functions, whose errors name the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE
from .piece import Read

if TYPE_CHECKING:
    from PIL import Image

Array = np.ndarray
Colour = tuple[int, int, int]
GREY_16 = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")


def image_size(read: Read) -> tuple[int, int]:
    """(H, W) from the header of an image file."""
    width, height = _open(read).size
    return height, width


def decode_image(read: Read) -> Array:
    """An image file as uint8 [H, W, 3]; grey and indexed ones become RGB, an alpha channel is dropped."""
    image = _open(read)
    if image.mode in GREY_16:
        raise InputError(f"{read.name} has more than 8 bits a channel; write it with 8.")
    return np.asarray(_decoded(image, read).convert("RGB"))


def decode_ids(read: Read) -> Array:
    """A mask file whose grey values, or palette indices, are class ids: uint8 [H, W]."""
    image = _open(read)
    if image.mode in GREY_16:
        raise InputError(f"{read.name} is a mask of 16 bits; write class ids as 8-bit grey values, {IGNORE} = void.")
    if image.mode not in ("L", "P", "1"):
        raise InputError(
            f"{read.name} is a mask in colour ({image.mode}), and no palette says which class a colour is; "
            "name the palette in a dataset.toml (`bench data init`), or write class ids as grey values."
        )
    return np.asarray(_decoded(image, read), dtype=np.uint8)


def in_colour(read: Read) -> bool:
    """Whether a mask holds colours rather than grey values or indices."""
    return _open(read).mode in ("RGB", "RGBA", "CMYK", "YCbCr", "HSV")


def colours_of(read: Read) -> dict[int, int]:
    """The colours of a picture as 0xRRGGBB, and the pixels of each."""
    values, counts = np.unique(_packed(read), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def decode_colours(read: Read, palette: Sequence[Colour], void: Sequence[Colour] = ()) -> Array:
    """A mask file whose colours are those of the classes: uint8 [H, W]; the colours `void` become `IGNORE`."""
    if len(set(map(tuple, palette))) < len(palette):
        raise InputError(
            f"{read.name} cannot be decoded: two classes of the palette have one colour; give each its own."
        )
    colours = _packed(read)
    mask = np.full(colours.shape, IGNORE, dtype=np.uint8)
    known = np.zeros(colours.shape, dtype=bool)
    for value, (red, green, blue) in [*enumerate(palette), *((IGNORE, colour) for colour in void)]:
        here = colours == (red << 16) + (green << 8) + blue
        mask[here] = value
        known |= here
    if not known.all():
        strange = int(colours[~known][0])
        found = (strange >> 16, strange >> 8 & 255, strange & 255)
        raise InputError(f"{read.name} has a colour that no class has, {found}; add it to the palette, or as void.")
    return mask


def _packed(read: Read) -> Array:
    """The colours of a picture as 0xRRGGBB, int64 [H, W]."""
    rgb = np.asarray(_decoded(_open(read), read).convert("RGB")).astype(np.int64)
    return rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]


def require_colours(palette: Sequence[Colour], classes: Sequence[str], where: str) -> None:
    """Refuse a palette with two classes of one colour: its masks cannot be decoded."""
    seen: dict[Colour, str] = {}
    for name, colour in zip(classes, palette, strict=True):
        if (other := seen.setdefault(tuple(colour), name)) != name:  # type: ignore[arg-type]
            raise InputError(f"{where}: {other} and {name} have one colour, {tuple(colour)}; give each its own.")


def _open(read: Read) -> Image.Image:
    from PIL import Image

    if not read.data:
        raise InputError(f"{read.name} is empty (0 bytes); get it again.")
    try:
        return Image.open(io.BytesIO(read.data))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        said = "not an image" if isinstance(error, Image.UnidentifiedImageError) else f"no whole image ({error})"
        raise InputError(f"{read.name} is {said}; get it again.") from None


def _decoded(image: Image.Image, read: Read) -> Image.Image:
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{read.name} is no whole image ({error}); get it again.") from None
    return image
