"""One sample of a data set in files, read to the last byte: what is wrong with it, and what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE
from . import decode
from .layout import IMAGE, Array, Layout, Sample
from .piece import Read

Kind = Literal["missing", "damaged", "extra", "mislabelled", "size", "changed", "count", "ids", "classes"]


@dataclass(frozen=True)
class Problem:
    """What is not as it should be, in a sentence that names the file; `files`: the same for machines."""

    kind: Kind
    said: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examined:
    """`counts`: pixels of every class and of void in the mask, or None. `sums`: SHA-256 of what was read, by role."""

    problems: tuple[Problem, ...]
    counts: Array | None
    sums: Mapping[str, str]

    @property
    def read(self) -> bool:
        """Whether it was read, be its size as it may."""
        return all(problem.kind == "size" for problem in self.problems)


def examine(sample: Sample, layout: Layout, classes: int, image_size: tuple[int, int] | None) -> Examined:
    """Every piece of a sample is read and decoded. `image_size`: (H, W) of the original, where it is known."""
    problems, reads = list[Problem](), dict[str, Read]()
    for role, piece in sample.pieces.items():
        try:
            reads[role] = piece.read()
        except InputError as error:
            problems.append(Problem("damaged", str(error), (piece.name,)))
    sums = {role: hashlib.sha256(read.data).hexdigest() for role, read in reads.items()}
    size = None
    if (read := reads.get(IMAGE)) is not None:
        try:
            height, width, _ = layout.image(read).shape
            size = (height, width)
        except InputError as error:
            problems.append(Problem("damaged", str(error), (read.name,)))
    masks = {role: read for role, read in reads.items() if role != IMAGE}
    counts, mask = None, None
    if sample.label is None and len(reads) == len(sample.pieces):
        mask, found = _mask(masks, layout, classes)
        problems += found
    if mask is not None:
        ids = np.bincount(mask.ravel(), minlength=256)
        counts = np.append(ids[:classes], ids[IGNORE])
        problems += _sizes(size, mask.shape, layout, masks)
    if size is not None and image_size not in (None, size):
        said = f"{reads[IMAGE].name} is {_by(size)}, the original {_by(image_size)}"
        problems.append(Problem("size", said, (reads[IMAGE].name,)))
    return Examined(tuple(problems), counts, sums)


def _mask(reads: Mapping[str, Read], layout: Layout, classes: int) -> tuple[Array | None, list[Problem]]:
    names = tuple(read.name for read in reads.values())
    try:
        mask = layout.mask(reads)
    except InputError as error:
        broken = [read.name for read in reads.values() if not _whole(read)]
        return None, [Problem("damaged" if broken else "mislabelled", str(error), tuple(broken) or names)]
    beyond = np.unique(mask[(mask >= classes) & (mask != IGNORE)])
    if beyond.size:
        found = ", ".join(map(str, beyond[:5]))
        said = f"{', '.join(names)} holds class {found}, but there are {classes} (0-{classes - 1})"
        return None, [Problem("mislabelled", said, names)]
    return mask, []


def _sizes(
    image: tuple[int, int] | None, mask: tuple[int, ...], layout: Layout, reads: Mapping[str, Read]
) -> list[Problem]:
    wanted = layout.mask_size or image
    if wanted is None or mask == wanted:
        return []
    names = tuple(read.name for read in reads.values())
    of = "the original" if layout.mask_size else "its image"
    return [Problem("size", f"{', '.join(names)} is {_by(mask)}, {of} {_by(wanted)}", names)]


def _whole(read: Read) -> bool:
    """Whether it is an image at all."""
    try:
        decode.decode_image(read)
    except InputError as error:
        return "bits" in str(error)
    return True


def _by(size: tuple[int, ...] | None) -> str:
    return "x".join(map(str, size or ()))
