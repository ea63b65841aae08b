"""What a data set is: its card (facts) and a split of it (samples by id)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..symmflow.errors import InputError

Array = np.ndarray


@dataclass(frozen=True)
class Card:
    """The facts of a data set."""

    name: str
    title: str
    tasks: tuple[str, ...]
    """Abbreviations: cls, ss, sis."""
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    """Of an image: (C, H, W), or (D,) for points."""
    splits: Mapping[str, int]
    """Samples of each split."""
    licence: str
    source: str
    obtain: str
    """How to get it, in one sentence."""
    palette: tuple[tuple[int, int, int], ...] | None = None
    """A colour a class, for masks."""
    embedded: bool = False
    """Ships with the package or its dependencies."""
    digits: bool = False
    """Its classes are the ten digits, so `digits-cnn` features mean something."""
    notes: str = ""

    @property
    def is_points(self) -> bool:
        return len(self.shape) == 1

    @property
    def has_masks(self) -> bool:
        return self.palette is not None

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        """Spatial size: (H, W), or () for points."""
        return self.shape[1:]


@dataclass(frozen=True)
class Batch:
    """ids: [B]; images: float32 [B, C, H, W] in [-1, 1] (points: [B, D]); labels: int64 [B] or masks [B, H, W]."""

    ids: tuple[str, ...]
    images: Array
    labels: Array


@dataclass(frozen=True)
class Split:
    """The samples of a split, in a fixed order.

    `images`: uint8 [N, C, H, W] (0-255), or float32 [N, D] for points; `labels`: class ids [N] or [N, H, W].
    """

    card: Card
    name: str
    ids: tuple[str, ...]
    images: Array = field(repr=False)
    labels: Array = field(repr=False)

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.images) == len(self.labels):
            raise InputError(
                f"{self.card.name}/{self.name}: {len(self.ids)} ids, {len(self.images)} images and "
                f"{len(self.labels)} labels do not match; the files are damaged, get them again."
            )

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, index: Sequence[int] | Array) -> Batch:
        """Samples by position."""
        index = np.asarray(index, dtype=np.int64)
        images = self.images[index]
        if images.dtype == np.uint8:
            images = images.astype(np.float32) / np.float32(127.5) - np.float32(1)
        return Batch(tuple(self.ids[i] for i in index), images, self.labels[index].astype(np.int64))

    def first(self, limit: int | None) -> Split:
        """The first `limit` samples."""
        if limit is None or limit >= len(self):
            return self
        return Split(self.card, self.name, self.ids[:limit], self.images[:limit], self.labels[:limit])

    @cached_property
    def ids_sha256(self) -> str:
        return hashlib.sha256("\n".join(self.ids).encode()).hexdigest()

    @cached_property
    def content_sha256(self) -> str:
        """Hash of images and labels, so that another copy of the files cannot pass for this one."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels.astype(np.int64)):
            digest.update(str((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
