"""What a `dataset.toml` says of a folder of images."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from ..symmflow.errors import InputError, WrongValue
from ..symmflow.pixels import IGNORE
from ..symmflow.recipe import Table, check_table
from .card import Card
from .decode import Array, Colour, decode_colours, decode_ids, require_colours
from .piece import Read

FILE = "dataset.toml"
Byte = Annotated[int, Field(ge=0, le=255)]
Rgb = tuple[Byte, Byte, Byte]


class Described(Table):
    """The fields of a `dataset.toml`."""

    classes: tuple[str, ...]
    """Names, in the order of their ids; of class folders the folders' names."""
    title: str = ""
    licence: str = "not stated"
    redistributable: bool = False
    """Whether that lets its images be passed on, in a report say."""
    source: str = ""
    palette: tuple[Rgb, ...] | None = None
    """A colour a class, for pictures, and for masks that hold colours."""
    masks: Literal["ids", "colours"] = "ids"
    """What masks hold: class ids as grey values (or indices), or the palette's colours."""
    void: tuple[Byte | Rgb, ...] = ()
    """Grey values, or colours, of pixels without a class; 255 always is one of the grey values."""
    mirrored: tuple[tuple[str, str], ...] = ()
    """Pairs of classes that change places when an image is flipped."""
    splits: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """Ids of each split, or the name of a file beside this one with an id a line; empty: as the folders say."""

    @model_validator(mode="after")
    def _fits(self) -> Described:
        if len(set(self.classes)) < len(self.classes) or not self.classes:
            raise ValueError("classes: give at least one name, and none twice")
        if self.palette is not None and len(self.palette) != len(self.classes):
            raise ValueError(f"palette has {len(self.palette)} colours for {len(self.classes)} classes")
        if self.masks == "colours" and self.palette is None:
            raise ValueError("masks in colours need a palette")
        if any(isinstance(value, int) == (self.masks == "colours") for value in self.void):
            raise ValueError(f"void: masks hold {self.masks}, so give {self.masks}")
        if strange := {name for pair in self.mirrored for name in pair} - set(self.classes):
            raise ValueError(f"mirrored: {', '.join(sorted(strange))} is no class")
        return self

    @property
    def void_ids(self) -> tuple[int, ...]:
        return tuple(value for value in self.void if isinstance(value, int))

    @property
    def void_colours(self) -> tuple[Colour, ...]:
        return tuple(value for value in self.void if not isinstance(value, int))

    @property
    def decoding(self) -> str:
        """What of it decides which class ids come out, as a short hash; empty where that is the default."""
        said = self.model_dump(mode="json", include={"masks", "void"}, exclude_defaults=True)
        if self.masks == "colours":
            said["palette"] = self.palette
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12] if said else ""

    def card(
        self, name: str, splits: Mapping[str, int], size: tuple[int, int], *, masks: bool, obtain: str, **unsaid: str
    ) -> Card:
        """The card of a set of images of `size` (H, W); `unsaid`: title, licence or source where this says none."""
        said = {field: getattr(self, field) for field in ("title", "licence", "source")}
        return Card(
            name=name,
            tasks=("ss", "sis") if masks else ("cls", "sis"),
            classes=self.classes,
            shape=(3, *size),
            splits=splits,
            obtain=obtain,
            palette=(self.palette or default_palette(len(self.classes))) if masks else None,
            mirrored=self.mirrored,
            redistributable=self.redistributable,
            **{
                field: said[field] if field in self.model_fields_set else unsaid.get(field, said[field])
                for field in said
            },
        )


def decode_mask(read: Read, said: Described | None) -> Array:
    """A mask file as class ids uint8 [H, W], void = `IGNORE`; where nothing is said, grey values are class ids."""
    if said is None:
        return decode_ids(read)
    if said.masks == "colours":
        assert said.palette is not None
        return decode_colours(read, said.palette, said.void_colours)
    ids = decode_ids(read)
    return np.where(np.isin(ids, said.void_ids), np.uint8(IGNORE), ids) if said.void_ids else ids


def described(root: Path) -> Described | None:
    """What the `dataset.toml` in a folder says; None where there is none."""
    path = root / FILE
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid TOML file: {error}.") from None
    try:
        found = check_table(Described, values, str(path))
    except WrongValue as error:
        raise InputError(f"{error}; correct it there.") from None
    if found.masks == "colours" and found.palette is not None:
        require_colours(found.palette, found.classes, str(path))
    return found


def ids_of(root: Path, given: str | Sequence[str]) -> list[str]:
    """The ids of a split: the given ones, or the lines of the file of that name."""
    try:
        lines = given if not isinstance(given, str) else (root / given).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{root / FILE} names the list {given}, which cannot be read ({error}); mend it.") from None
    ids = [line.strip() for line in lines if line.strip()]
    if twice := [one for one, count in Counter(ids).items() if count > 1]:
        raise InputError(f"{root / FILE} names the sample {twice[0]} twice in one split; remove one.")
    return ids


@lru_cache(maxsize=8)
def default_palette(count: int) -> tuple[Colour, ...]:
    """The colours of PASCAL VOC: the bits of an id, dealt to the high bits of red, green and blue."""

    def channel(value: int, first: int) -> int:
        return sum((value >> (3 * place + first) & 1) << (7 - place) for place in range(8))

    return tuple((channel(value, 0), channel(value, 1), channel(value, 2)) for value in range(count))
