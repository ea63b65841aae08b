"""A split of a data set: its manifest (which samples, without a pixel) and the samples themselves, by position."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.pixels import from_uint8
from .card import Card

Array = np.ndarray


@dataclass(frozen=True)
class Manifest:
    """Which samples a split holds, in order. Two of one content hash and one `ids_sha256` hold the same."""

    dataset: str
    split: str
    ids: tuple[str, ...] = field(repr=False)
    content_sha256: str
    """Of the images and labels of the whole split, so that another copy of the files cannot pass for this one."""
    shape: tuple[int, ...]
    """Of every sample: (C, H, W), or (D,) for points."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def ids_sha256(self) -> str:
        return hashlib.sha256("\n".join(self.ids).encode()).hexdigest()

    def first(self, limit: int | None) -> Manifest:
        """That of the first `limit` samples: other ids of the same content."""
        return self if limit is None or limit >= len(self) else replace(self, ids=self.ids[:limit])


@dataclass(frozen=True)
class Batch:
    """ids: [B]; images: float32 [B, C, H, W] in [-1, 1] (points: [B, D]); labels: int64 [B] or masks [B, H, W]."""

    ids: tuple[str, ...]
    images: Array
    labels: Array
    originals: tuple[Array, ...] = ()
    """The masks at their own sizes, uint8 [h, w] each, where a split is asked for them too."""


class Split(ABC):
    """The samples of a split, in the order of its manifest; in memory, or made when they are asked for."""

    card: Card
    manifest: Manifest

    @abstractmethod
    def batch(self, index: Sequence[int] | Array) -> Batch:
        """Samples by position."""

    def batches(self, indices: Sequence[Array], workers: int = 0) -> Iterator[Batch]:
        """Batches in a row; where pixels are decoded for it, `workers` processes do so ahead of the reader."""
        return map(self.batch, indices)

    def with_originals(self) -> Split:
        """The same samples, whose batches hold the masks at their own sizes too, where these differ."""
        return self

    @property
    @abstractmethod
    def found_sha256(self) -> str:
        """Content hash of the whole split as it is on this machine."""

    @property
    def ids(self) -> tuple[str, ...]:
        return self.manifest.ids

    def __len__(self) -> int:
        return len(self.manifest)

    def first(self, limit: int | None) -> Split:
        """The first `limit` samples."""
        manifest = self.manifest.first(limit)
        return self if manifest is self.manifest else _First(self.card, manifest, self)

    def verify(self) -> None:
        """Raises `InputError` where the samples on this machine are not those that the manifest is of."""
        found, known = self.found_sha256, self.manifest.content_sha256
        if found != known:
            raise InputError(
                f"this machine makes other data of {self.card.name} {self.manifest.split} than is known (content "
                f"hash {found[:12]}, known {known[:12]}), and no figure of it could be compared; get its files again, "
                "or install other versions of the libraries that make it."
            )


@dataclass(frozen=True)
class ArraySplit(Split):
    """A split that lies in memory.

    `images`: uint8 [N, C, H, W] (0-255), or float32 [N, D] for points; `labels`: class ids [N] or [N, H, W].
    """

    card: Card
    manifest: Manifest
    images: Array = field(repr=False)
    labels: Array = field(repr=False)
    read_sha256: str | None = None
    """Content hash of the files that it was read from; None: the arrays are the content."""

    def __post_init__(self) -> None:
        if not len(self) == len(self.images) == len(self.labels):
            raise InputError(
                f"{self.card.name}/{self.manifest.split}: {len(self)} ids, {len(self.images)} images and "
                f"{len(self.labels)} labels do not match; the files are damaged, get them again."
            )

    def batch(self, index: Sequence[int] | Array) -> Batch:
        index = np.asarray(index, dtype=np.int64)
        images = self.images[index]
        if images.dtype == np.uint8:
            images = from_uint8(images)
        return Batch(tuple(self.ids[i] for i in index), images, self.labels[index].astype(np.int64))

    @property
    def found_sha256(self) -> str:
        return self.read_sha256 or content_sha256(self.images, self.labels)


@dataclass(frozen=True)
class _First(Split):
    """The first samples of another split."""

    card: Card
    manifest: Manifest
    whole: Split = field(repr=False)

    def batches(self, indices: Sequence[Array], workers: int = 0) -> Iterator[Batch]:
        for index in indices:
            self._check(index)
        return self.whole.batches(indices, workers)

    def with_originals(self) -> Split:
        return replace(self, whole=self.whole.with_originals())

    def batch(self, index: Sequence[int] | Array) -> Batch:
        self._check(index)
        return self.whole.batch(index)

    def _check(self, index: Sequence[int] | Array) -> None:
        positions = np.asarray(index, dtype=np.int64)
        if positions.size and not 0 <= positions.min() <= positions.max() < len(self):
            raise IndexError(f"positions {positions.min()} to {positions.max()} of {len(self)} samples")

    @property
    def found_sha256(self) -> str:
        return self.whole.found_sha256


def content_sha256(images: Array, labels: Array) -> str:
    """Hash of the images and labels of a split, types and shapes with them."""
    digest = hashlib.sha256()
    for array in (images, labels.astype(np.int64)):
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
