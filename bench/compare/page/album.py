"""The pictures that a page shows: those that were kept beside the evidence, masks in their colours."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .... import datasets
from ....datasets.described import default_palette
from ....reports.specimens import void_of
from ....symmflow.bounded import picture
from ....symmflow.errors import InputError
from ....symmflow.pixels import to_uint8
from ... import tasks
from ...records import Kept, Stored, lot
from ..difference import seedless
from ..rows import Row
from ..tables import Table

Colours = tuple[tuple[int, int, int], ...]
QUALITY, LONGEST = 90, 256
"""Of a picture that is no mask, as WebP; its longer side in pixels, at most."""


@dataclass(frozen=True)
class Picture:
    """A picture as a page holds it."""

    src: str
    width: int
    height: int


@dataclass
class Album:
    """The pictures of a table's rows, by id.

    `content`: hash of the split that was evaluated. `first`: of how many samples, in the order of `lot`. `longest`: the
    longer side of a picture that is no mask, in pixels, at most.
    """

    table: Table
    data_root: Path | None = None
    content: str = ""
    first: int | None = None
    longest: int = LONGEST
    _known: dict[int, dict[str, list[Kept]]] = field(default_factory=dict)

    def of(self, row: Row) -> dict[str, list[Kept]]:
        """What was kept of one of a row's seeds, by id."""
        if id(row) not in self._known:
            self._known[id(row)] = _kept(next(cell for cell in row.cells if cell.record.seed == self.seed_of(row)))
        return self._known[id(row)]

    @cached_property
    def seed(self) -> int | None:
        """The least one that all rows have which draw noise."""
        drawn = [set(row.seeds) for row in self.table.rows if not seedless(row.record) and not unpaired(row)]
        return min(set.intersection(*drawn), default=None) if drawn else None

    def seed_of(self, row: Row) -> int:
        """Of which pictures are shown."""
        return self.seed if self.seed is not None and self.seed in row.seeds else row.seeds[0]

    @cached_property
    def rows(self) -> list[Row]:
        """Those of which outputs were kept, and can be read; not of syntheses that belong to no label."""
        rows = [row for row in self.table.rows if not unpaired(row)]
        return [row for row in rows if self.of(row) and all(self.output(row, own) for own in self.of(row))]

    @cached_property
    def ids(self) -> list[str]:
        """Of samples that some row has, in the order of `lot`."""
        return sorted({own for row in self.rows for own in self.of(row)}, key=lot)[: self.first]

    @property
    def draws(self) -> bool:
        """Whether outputs are images, not masks."""
        return tasks.task(self.table.task).draws

    def output(self, row: Row, own: str) -> Picture | None:
        """What a row made of a sample."""
        return self._find(self.of(row), own, "output", mask=not self.draws)

    def label(self, own: str) -> Picture | None:
        """The mask of a sample; None where its label is a class."""
        return next((p for row in self.rows if (p := self._find(self.of(row), own, "label", mask=True))), None)

    def real(self, own: str) -> Picture | None:
        """The real image: kept, or drawn from the data themselves; None where it may not, and cannot, be shown."""
        kept = next((p for row in self.rows if (p := self._find(self.of(row), own, "real", mask=False))), None)
        return kept or self._from_data.get(own)

    def way(self, row: Row, own: str) -> list[tuple[float, Picture]]:
        """(t, what a state showed) of a sample, from the start."""
        states = [
            (k.time, _readable(k.webp, None, self.longest)) for k in self.of(row).get(own, ()) if k.time is not None
        ]
        return [(t, picture) for t, picture in states if picture]

    @property
    def drawn(self) -> bool:
        """Whether real images come from the data, because the records may not hold them."""
        return bool(self._from_data)

    @cached_property
    def size(self) -> int:
        """Characters of all its pictures, of all samples."""
        shown = [self.output(row, own) for row in self.rows for own in self.ids]
        shown += [one for own in self.ids for one in (self.label(own), self.real(own))]
        return sum(len(one.src) for one in shown if one)

    @cached_property
    def colours(self) -> Colours:
        """A colour a class; the data set's own, where it is known here."""
        name = self.table.rows[0].record.dataset
        for root in self._roots:
            try:
                return datasets.card(name, root).palette or default_palette(256)
            except InputError:  # lies elsewhere, or has no files
                continue
        return default_palette(256)

    @property
    def _roots(self) -> list[Path | None]:
        """Where the data set may lie: it may be another one than the root is of."""
        return [self.data_root, None] if self.data_root else [None]

    @cached_property
    def _from_data(self) -> dict[str, Picture]:
        record = self.rows[0].record if self.rows else None
        if record is None or self.data_root is None:
            return {}
        if any(k.what == "real" for row in self.rows for one in self.of(row).values() for k in one):
            return {}
        split = self._split(record.dataset, record.split)
        if split is None or self.content not in ("", split.manifest.content_sha256):  # another copy is of other images
            return {}
        places = {own: place for place, own in enumerate(split.ids)}
        wanted = [own for own in self.ids if own in places]
        if not wanted:
            return {}
        batch = split.batch(np.array([places[own] for own in wanted]))
        return {own: _encoded(to_uint8(image)) for own, image in zip(wanted, batch.images, strict=True)}

    def _split(self, name: str, split: str) -> datasets.Split | None:
        for root in self._roots:
            try:
                return datasets.load(name, split, root)
            except InputError:
                continue
        return None

    def _find(self, kept: Mapping[str, list[Kept]], own: str, what: str, *, mask: bool) -> Picture | None:
        found = next((one for one in kept.get(own, ()) if one.what == what), None)
        return _readable(found.webp, self.colours if mask else None, self.longest) if found else None


def unpaired(row: Row) -> bool:
    """Whether it is of syntheses of which nobody knows the labels."""
    return bool(row.record.options.get("unpaired"))


def _kept(cell: Stored) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = {}
    try:
        for one in cell.evidence.images():
            found.setdefault(one.id, []).append(one)
    except InputError:  # a store without its evidence still has figures
        return {}
    return found


@lru_cache(maxsize=1 << 14)
def _readable(webp: bytes, colours: Colours | None, longest: int) -> Picture | None:
    """None for what is damaged: no figure depends on it, and the gallery says whose pictures are missing."""
    try:
        return _picture(webp, colours, longest)
    except (InputError, OSError, ValueError, SyntaxError):
        return None


def _picture(webp: bytes, colours: Colours | None, longest: int) -> Picture:
    image = picture(webp).convert("RGB")
    if colours is None:
        image.thumbnail((longest, longest))
        return _saved(image, lossless=False)
    table = np.tile(np.array(void_of(colours), dtype=np.uint8), (256, 1))
    table[: len(colours)] = colours
    from PIL import Image

    return _saved(Image.fromarray(table[np.asarray(image)[:, :, 0]]), lossless=True)


def _encoded(pixels: np.ndarray) -> Picture:
    """uint8 [C, H, W]."""
    from PIL import Image

    rgb = np.repeat(pixels, 3, axis=0) if len(pixels) == 1 else pixels
    image = Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0)))
    image.thumbnail((LONGEST, LONGEST))
    return _saved(image, lossless=False)


def _saved(image: Any, *, lossless: bool) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=QUALITY, method=1)
    return Picture(f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}", *image.size)
