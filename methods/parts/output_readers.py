"""Masks and syntheses of the samples of a split, out of files or one array, checked before the first is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ...datasets import Card
from ...symmflow.errors import InputError
from .output_arrays import Array, Rows, members
from .output_files import ARCHIVE, ARRAY, PICTURES, listed, matched, natural, some
from .output_pictures import class_ids, pixels, read_image, read_mask, size_of
from .output_reader import Reader, Wanted

ADMS = "arr_0", "arr_1"
"""Images and their classes, as ADM's evaluation names them."""


def masks_of(path: Path, card: Card, wanted: Wanted) -> Reader:
    """Predicted masks: a folder, or one array in the split's order."""
    if (rows := _array(path, wanted)) is not None:
        return _InOrder(rows, card, wanted, (*card.size,), partial(_ids_of_rows, card), several=False)
    return _Files(path, card, wanted, (".png", ARRAY), partial(read_mask, card), several=False)


def images_of(path: Path, card: Card, wanted: Wanted) -> Reader:
    """Syntheses: a folder, or one array in the split's order."""
    if (rows := _array(path, wanted)) is not None:
        channels = rows.shape[-1:] if rows.shape[-1:] in ((1,), (3,)) else (card.channels,)
        shape = (*card.size, *channels) if channels != (1,) or rows.shape[-1:] == (1,) else card.size
        return _InOrder(rows, card, wanted, shape, partial(_pixels_of_rows, card), several=True)
    return _Files(path, card, wanted, (*PICTURES, ARRAY), partial(read_image, card), several=True)


def _array(path: Path, wanted: Wanted) -> Rows | None:
    """The array of all outputs in a file; None for a folder, or an archive of an array an id."""
    if path.is_dir():
        return None
    if path.suffix.lower() == ARRAY:
        return Rows(path)
    if path.suffix.lower() != ARCHIVE:
        raise InputError(f"{path} is neither a folder of outputs nor an array of them ({ARRAY}, {ARCHIVE}).")
    names = members(path)
    if ADMS[0] in names:
        return Rows(path, ADMS[0])
    if len(names) == 1 and names[0] not in wanted.split:
        return Rows(path, names[0])
    return None


class _Files(Reader):
    """A file an output, in a folder or in an archive."""

    def __init__(
        self,
        path: Path,
        card: Card,
        wanted: Wanted,
        suffixes: Sequence[str],
        decode: Callable[..., Array],
        several: bool,
    ) -> None:
        self.path, self.decode, self.packed = path, decode, path.is_file()
        names = (
            [PurePosixPath(n) for n in sorted(members(path), key=natural)] if self.packed else listed(path, suffixes)
        )
        if not names:
            raise InputError(f"{path} holds no outputs of this task ({', '.join(suffixes)}).")
        if wanted.unpaired:
            _require_count(path, len(names), wanted)
            k = wanted.several
            self.files = {i: tuple(names[n * k : (n + 1) * k]) for n, i in enumerate(wanted.ids)}
        else:
            self.files = matched(path, names, wanted.ids, wanted.split, wanted.several if several else None)
        channels, every = (1, 3) if several else (), (file for files in self.files.values() for file in files)
        _require_sizes(card, ((file, size_of(*self._at(file), channels)) for file in every), path, masks=not several)

    def read(self, ids: Sequence[str], draw: int) -> Array:
        once = {i: self.decode(*self._at(self.files[i][draw])) for i in dict.fromkeys(ids)}
        return np.stack([once[i] for i in ids])

    def _at(self, file: PurePosixPath) -> tuple[Path, str | None]:
        return (self.path, str(file)) if self.packed else (self.path / file, None)


class _InOrder(Reader):
    """An array of all outputs: a row an id, or [N, several, ...]; unpaired: [N * several, ...]."""

    def __init__(
        self,
        rows: Rows,
        card: Card,
        wanted: Wanted,
        shape: tuple[int, ...],
        decode: Callable[[Array, str], Array],
        several: bool,
    ) -> None:
        self.rows, self.decode, self.several = rows, decode, wanted.several
        own = (wanted.several,) if several and wanted.several > 1 and not wanted.unpaired else ()
        if rows.shape[1:] != (*own, *shape):
            asked = ", ".join(map(str, ("N", *own, *shape)))
            raise InputError(
                f"{rows.name} is an array {list(rows.shape)} and not [{asked}]; nothing is resized, so write it so."
            )
        if wanted.unpaired:
            _require_count(rows.path, len(rows), wanted)
        elif len(rows) not in (len(wanted.ids), len(wanted.split)):
            raise InputError(
                f"{rows.name} holds outputs of {len(rows):,} samples and the split has {len(wanted.split):,}; give one "
                "of each in the split's order, or say --unpaired."
            )
        everything = wanted.split if len(rows) == len(wanted.split) and not wanted.unpaired else wanted.ids
        self.place = {i: n for n, i in enumerate(everything)}
        self.unpaired, self.classes = wanted.unpaired, self._classes()
        if own:
            rows.shape = (rows.shape[0] * wanted.several, *shape)

    def read(self, ids: Sequence[str], draw: int) -> Array:
        at, k = [self.place[i] for i in ids], self.several
        rows = self.rows.take([n * k + draw for n in at], within=(min(at) * k, (max(at) + 1) * k))
        return self.decode(rows, self.rows.name)

    def agree(self, ids: Sequence[str], classes: Sequence[int]) -> None:
        if self.classes is None or self.unpaired:
            return
        for own, asked in zip(ids, classes, strict=True):
            if (said := int(self.classes[self.place[own]])) != asked:
                raise InputError(
                    f"{self.rows.path} is not in the split's order: {own} is of class {asked}, and its {ADMS[1]} says "
                    f"{said}; sort it, or say --unpaired."
                )

    def _classes(self) -> Array | None:
        """ADM's classes of the outputs, one an id."""
        path = self.rows.path
        if path.suffix.lower() != ARCHIVE or ADMS[1] not in members(path):
            return None
        found = Rows(path, ADMS[1])
        return found.everything() if found.shape == (len(self.place),) and found.dtype.kind in "ui" else None


def _ids_of_rows(card: Card, rows: Array, name: str) -> Array:
    return class_ids(rows, card, name)


def _pixels_of_rows(card: Card, rows: Array, name: str) -> Array:
    return pixels(rows, card, name)


def _require_count(path: Path, count: int, wanted: Wanted) -> None:
    n, k = len(wanted.ids), wanted.several
    if count == n * k:
        return
    help = "give as many, or a multiple with --samples-per-mask"
    if count % n == 0:
        help = f"add --samples-per-mask {count // n}"
    elif count < n:
        help = f"add --limit {count}"
    raise InputError(f"{path} holds {count:,} syntheses, and {n * k:,} are asked for; {help}.")


def _require_sizes(card: Card, found: Iterable[tuple[object, tuple[int, ...]]], path: Path, masks: bool) -> None:
    wrong = [(name, size) for name, size in found if size != card.size]
    if wrong:
        each = some(f"{name} is {'x'.join(map(str, size))}" for name, size in wrong)
        asked = "x".join(map(str, card.size))
        help = f"write them at {asked}, also for --scored-at original" if masks else f"write them at {asked}"
        raise InputError(f"{path}: {each}, not {asked} as {card.name} is; nothing is resized, so {help}.")
