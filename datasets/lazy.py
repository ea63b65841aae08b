"""Splits whose samples lie in files: pixels are decoded when they are asked for, by worker processes if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import IGNORE, from_uint8
from ..symmflow.workers import end_with_reader, started
from . import prepared
from .card import Card
from .catalog import Catalog
from .layout import IMAGE, Layout
from .piece import Read
from .split import Array, Batch, Manifest, Split
from .view import View

Label = Array | int
Decoded = tuple[list[int], Array, Array, list[Array]]
"""Positions; of each different one image uint8 [3, H, W], label, and mask at its own size where that is asked for."""


@dataclass(frozen=True)
class FileSplit(Split):
    """A split in files, seen through a view; nothing of it stays in memory but its manifest."""

    card: Card
    manifest: Manifest
    files: Catalog = field(repr=False)
    layout: Layout = field(repr=False)
    view: View
    originals: bool = False
    ready: frozenset[int] = frozenset()
    """The prepared files that are there; their samples need no decoding."""

    @cached_property
    def place(self) -> Path:
        """Where its prepared samples lie."""
        return prepared.folder(self.manifest)

    def batches(self, indices: Sequence[Array], workers: int = 0) -> Iterator[Batch]:
        return map(self._batch, self.decode(indices, workers))

    def decode(self, indices: Sequence[Array], workers: int = 0) -> Iterator[Decoded]:
        """What worker processes hand over of batches in a row, some ahead of the reader; 0: this process decodes."""
        if not workers:
            yield from map(self.decoded, indices)
            return
        from torch.utils.data import DataLoader

        ahead = {
            "num_workers": workers,
            "prefetch_factor": 2,
            "collate_fn": _as_it_is,
            "worker_init_fn": end_with_reader,
        }
        loader: DataLoader[Decoded | InputError]
        loader = DataLoader(_Decoded(self), batch_size=None, sampler=indices, **ahead)  # type: ignore[arg-type]
        for made in started(loader):
            if isinstance(made, InputError):
                raise made
            yield made

    def with_originals(self) -> Split:
        return replace(self, originals=True)

    def batch(self, index: Sequence[int] | Array) -> Batch:
        return self._batch(self.decoded(index))

    def decoded(self, index: Sequence[int] | Array) -> Decoded:
        """Pixels of the positions of a batch; each of what is there twice once."""
        positions = [int(i) for i in index]
        made = [self._with_original(position) for position in dict.fromkeys(positions)]
        images, labels, masks = zip(*made, strict=True)
        return positions, np.stack(images), np.stack(labels), [mask for mask in masks if mask is not None]

    def _with_original(self, position: int) -> tuple[Array, Array, Array | None]:
        """A sample as it is seen, and its mask at its own size where that is asked for."""
        ready = position // prepared.SHARD in self.ready
        if ready and not self.originals:
            return *prepared.read(self.place, position), None
        image, label = prepared.read(self.place, position)[0] if ready else None, self.label(position)
        if image is None:
            image = self._seen(self.image(position), position)
        original = label if self.originals and isinstance(label, np.ndarray) else None
        return image, self._seen(label, position), original

    def _batch(self, decoded: Decoded) -> Batch:
        positions, images, labels, masks = decoded
        place = {position: row for row, position in enumerate(dict.fromkeys(positions))}
        rows = [place[position] for position in positions]
        originals = tuple(masks[row] for row in rows) if masks else ()
        return Batch(
            tuple(self.ids[i] for i in positions), from_uint8(images[rows]), labels[rows].astype(np.int64), originals
        )

    def pixels(self, position: int) -> tuple[Array, Array]:
        """A sample as it is seen: image uint8 [3, H, W]; class id [], or class ids uint8 [H, W]."""
        image, label, _ = self._with_original(position)
        return image, label

    def _seen(self, value: Label, position: int) -> Array:
        """An image [h, w, 3], a mask [h, w] or a class id through the view."""
        if isinstance(value, int):
            return np.asarray(value)
        if value.ndim == 2:
            return self.view.mask(value, self.ids[position])
        return np.ascontiguousarray(self.view.image(value, self.ids[position]).transpose(2, 0, 1))

    def image(self, position: int) -> Array:
        """Its image at its own size, uint8 [h, w, 3]."""
        return self.layout.image(self.files.sample(position).pieces[IMAGE].read())

    def label(self, position: int) -> Label:
        """Its class id, or its mask at the mask's own size, class ids uint8 [h', w']."""
        sample, classes = self.files.sample(position), len(self.card.classes)
        if sample.label is not None:
            return sample.label
        pieces: dict[str, Read] = {r: piece.read() for r, piece in sample.pieces.items() if r != IMAGE}
        mask = self.layout.mask(pieces)
        names = ", ".join(read.name for read in pieces.values())
        if self.layout.mask_size is None and mask.shape != (size := self.files.size(position)):
            sizes = [f"{height}x{width}" for height, width in (mask.shape, size)]
            raise InputError(f"{names} is {sizes[0]} and its image {sizes[1]}; make them equal, nothing is resized.")
        beyond = mask[(mask >= classes) & (mask != IGNORE)]
        if beyond.size:
            raise InputError(
                f"{names} holds class id {beyond[0]}, but {self.card.name} has {classes} classes (0-{classes - 1}, "
                f"{IGNORE} = void); name them all, or correct the mask."
            )
        return mask

    @property
    def found_sha256(self) -> str:
        return self.manifest.content_sha256


@dataclass(frozen=True)
class _Decoded:
    """A split as a loader's worker processes see it: addressed by the positions of a batch."""

    split: FileSplit

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: Array) -> Decoded | InputError:
        try:
            return self.split.decoded(index)
        except InputError as error:  # a loader would raise its whole traceback instead of the sentence
            return error


def _as_it_is(decoded: Decoded | InputError) -> Decoded | InputError:
    """Arrays through a pipe, as 8 bits: shared memory is short in many containers."""
    return decoded
