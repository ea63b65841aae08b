"""Layouts: the ways in which the files of a data set lie, each giving ids and pieces, and decoding them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import decode
from .piece import Piece, Read

Array = np.ndarray
IMAGE, MASK = "image", "mask"
"""Roles of pieces."""


@dataclass(frozen=True)
class Sample:
    """A sample, undecoded: its id, its pieces by role, and its class where the layout says it without a pixel."""

    id: str
    pieces: Mapping[str, Piece] = field(default_factory=dict)
    """`image` and, for masks, `mask` or whatever parts the layout merges."""
    label: int | None = None


class Layout(ABC):
    """One way in which the files of a data set lie. Stateless, so that worker processes can have it."""

    name: str
    """A few words: "SegNet tutorial"."""
    needs: str
    """What a folder must hold to be one: "train.txt, train/ and trainannot/"."""

    image_size: tuple[int, int] | None = None
    """(H, W) of original images, where the layout fixes it."""
    mask_size: tuple[int, int] | None = None
    """(H, W) of original masks; None: that of their image."""
    alike: bool = False
    """Whether the same samples have the same content hash in every layout of the data set that is alike."""
    official_ids: bool = True
    """Whether ids are those that the hash of an official split is of."""
    scans: bool = False
    """Masks are decoded once when the manifest is made, so that the classes in them are known."""

    @abstractmethod
    def fits(self, root: Path) -> bool:
        """Whether a folder is one; looks at few names."""

    @abstractmethod
    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """The samples of a split in the order of the official list, else of their ids; reads no image.

        Raises `InputError` that names what is missing.
        """

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        """The files beside the pieces that `samples` depends on: lists, mappings. A manifest is made anew with them."""
        return ()

    def beside(self, path: Path) -> bool:
        """Whether a file that no split needs belongs to the layout all the same."""
        return False

    def size(self, image: Read) -> tuple[int, int]:
        """(H, W) of an image, undecoded."""
        return decode.image_size(image)

    def image(self, image: Read) -> Array:
        """uint8 [H, W, 3]."""
        return decode.decode_image(image)

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        """Class ids uint8 [H, W], `IGNORE` where there is none, of all pieces but the image."""
        return decode.decode_ids(pieces[MASK])
