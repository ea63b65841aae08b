"""Splits whose samples lie in files: pixels are decoded when they are asked for, by worker processes if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE, from_uint8
from .card import Card
from .catalog import Catalog
from .layout import IMAGE, Layout
from .piece import Read
from .split import Array, Batch, Manifest, Split
from .view import View

Label = Array | int


@dataclass(frozen=True)
class FileSplit(Split):
    """A split in files, seen through a view; nothing of it stays in memory but its manifest."""

    card: Card
    manifest: Manifest
    files: Catalog = field(repr=False)
    layout: Layout = field(repr=False)
    view: View

    def batch(self, index: Sequence[int] | Array) -> Batch:
        positions = [int(i) for i in index]
        made = {position: self.pixels(position) for position in dict.fromkeys(positions)}
        images = np.stack([made[position][0] for position in positions])
        labels = np.stack([np.asarray(made[position][1], dtype=np.int64) for position in positions])
        return Batch(tuple(self.ids[i] for i in positions), from_uint8(images), labels)

    def pixels(self, position: int) -> tuple[Array, Label]:
        """A sample as it is seen: image uint8 [3, H, W]; class id, or class ids uint8 [H, W]."""
        image, label = self.original(position)
        sample_id = self.ids[position]
        seen = np.ascontiguousarray(self.view.image(image, sample_id).transpose(2, 0, 1))
        return seen, label if isinstance(label, int) else self.view.mask(label, sample_id)

    def original(self, position: int) -> tuple[Array, Label]:
        """A sample at its own size: image uint8 [h, w, 3]; class id, or class ids uint8 [h', w']."""
        sample = self.files.sample(position)
        return self.layout.image(sample.pieces[IMAGE].read()), self.label(position)

    def label(self, position: int) -> Label:
        """Its class id, or its mask at the mask's own size, class ids uint8 [h', w']."""
        sample, classes = self.files.sample(position), len(self.card.classes)
        if sample.label is not None:
            return sample.label
        pieces: dict[str, Read] = {r: piece.read() for r, piece in sample.pieces.items() if r != IMAGE}
        mask = self.layout.mask(pieces)
        beyond = mask[(mask >= classes) & (mask != IGNORE)]
        if beyond.size:
            names = ", ".join(read.name for read in pieces.values())
            raise InputError(
                f"{names} holds class id {beyond[0]}, but {self.card.name} has {classes} classes (0-{classes - 1}, "
                f"{IGNORE} = void); name them all, or correct the mask."
            )
        return mask

    @property
    def found_sha256(self) -> str:
        return self.manifest.content_sha256
