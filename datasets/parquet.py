"""Images in Parquet files, a row a sample: which columns hold them, which files are of which split."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..symmflow.errors import InputError
from ..symmflow.files import sha256
from .described import FILE, Described, decode_mask
from .layout import IMAGE, MASK, Array, Layout, Sample
from .piece import Piece, Read, cell

if TYPE_CHECKING:
    import pyarrow as pa

IMAGES = ("image", "img", "images", "pixel_values", "photo", "picture", "jpg", "png")
MASKS = ("mask", "masks", "annotation", "annotations", "segmentation", "semantic", "label", "labels", "seg", "gt")
LABELS = ("label", "labels", "class", "classes", "category", "target", "cls", "y")
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
ALL = "test"
"""The split of what nobody has split."""
NEEDS = "Parquet files with a column of encoded images and one of classes or masks"


@dataclass(frozen=True)
class Columns:
    """The columns that make a sample."""

    image: str
    """Where its bytes are: `image.bytes` of a struct as the hub has them, or a column of binary values."""
    label: str
    """Of classes, or where the bytes of masks are."""
    masks: bool
    names: tuple[str, ...] = ()
    """Of the classes, where the file has them."""

    @property
    def path(self) -> str | None:
        """The column of the images' own file names."""
        return f"{self.image.removesuffix('.bytes')}.path" if self.image.endswith(".bytes") else None


@dataclass(frozen=True)
class Parquet(Layout):
    """Files by split, with the columns that make a sample; a class is one of `classes`, or its number."""

    files: Mapping[str, tuple[str, ...]]
    """Of each split, from the root, in order."""
    columns: Columns
    classes: tuple[str, ...] = ()
    """Of masks none: who reads them knows."""
    said: Described | None = None
    name = "Parquet"
    needs = NEEDS

    @property
    def scans(self) -> bool:  # type: ignore[override]
        return self.columns.masks

    def fits(self, root: Path) -> bool:
        return all((root / file).is_file() for files in self.files.values() for file in files)

    def consulted(self, root: Path, split: str) -> Sequence[Path]:
        return root / FILE, root / "README.md"

    def samples(self, root: Path, split: str) -> list[Sample]:
        """Ids are the images' own file names where every row has one of its own, else numbers."""
        found: list[tuple[str | None, dict[str, Piece], int | None]] = []
        for file in self.files[split]:
            path = root / file
            names, labels = self._row_values(path)
            content = _content(path)
            for row, (name, label) in enumerate(zip(names, labels, strict=True)):
                pieces = {IMAGE: cell(path, self.columns.image, row, checksum=content)}
                if self.columns.masks:
                    pieces[MASK] = cell(path, self.columns.label, row, checksum=content)
                found.append((name, pieces, label))
        stems = [Path(name).stem for name, *_ in found if name]
        ids = stems if len(set(stems)) == len(found) else [f"{split}-{number:05d}" for number in range(len(found))]
        return [Sample(one, pieces, label) for one, (_, pieces, label) in zip(ids, found, strict=True)]

    def _row_values(self, path: Path) -> tuple[list[str | None], list[int | None]]:
        """File name of the image and class id of every row; None where there are none."""
        own = self.columns.path if self.columns.path in leaves(path) else None
        labelled = None if self.columns.masks else self.columns.label
        _require(path, (self.columns.image, self.columns.label))
        table = read(path, [column for column in (own, labelled) if column])
        names: list[str | None] = _leaf(table, own).to_pylist() if own else [None] * _rows(path)
        if labelled is None:
            return names, [None] * _rows(path)
        values = table[labelled].to_pylist()
        ids: dict[Any, int] = {key: number for number, name in enumerate(self.classes) for key in (number, name)}
        for row, value in enumerate(values):
            if value not in ids:
                classes = f"{len(self.classes)} classes ({', '.join(self.classes[:4])}, ...)"
                raise InputError(f"{path}:{labelled}[{row}] is {value!r}, none of {classes}; choose another split.")
        return names, [ids[value] for value in values]

    def mask(self, pieces: Mapping[str, Read]) -> Array:
        return decode_mask(pieces[MASK], self.said)


def columns(path: Path, wanted: str = "") -> Columns:
    """Which columns of a file make a sample; `wanted`: that of classes or masks. An `InputError` lists them."""
    schema = _facts(path)[1]
    features = _features(schema)
    encoded = {field.name: member for field in schema if (member := _encoded(field)) is not None}
    plain = [field.name for field in schema if field.name not in encoded and _is_class(field)]
    listed = ", ".join(f"{field.name} ({field.type})" for field in schema)
    if not encoded:
        raise InputError(f"{path} has no column of encoded images (bytes), only {listed}.")
    if wanted and wanted not in schema.names:
        raise InputError(f"{path} has no column {wanted}; it has {listed}.")
    masks = [name for name in encoded if name.lower() in MASKS and len(encoded) > 1]
    named = [name for name in plain if "names" in features.get(name, {})]
    found = [wanted] if wanted else masks + (named or [name for name in plain if name.lower() in LABELS])
    if len(found) != 1:
        several = f"several columns of classes or masks ({', '.join(found)})" if found else "none that is known as such"
        raise InputError(f"{path} has {several}; name one after a colon, hf:...:COLUMN, of {listed}.")
    label = found[0]
    if label not in encoded and label not in plain:
        raise InputError(f"{path}: {label} is {schema.field(label).type}, neither classes nor encoded masks.")
    images = [name for name in encoded if name != label]
    if not images:
        raise InputError(f"{path} has no column of images beside {label}; it has {listed}.")
    image = min(images, key=lambda name: IMAGES.index(name.lower()) if name.lower() in IMAGES else len(IMAGES))
    names = tuple(features.get(label, {}).get("names") or ())
    return Columns(encoded[image], encoded.get(label, label), label in encoded, names)


def splits(files: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Files by split, as their names say: `train-00000-of-00002.parquet`, `test/0000.parquet`, `val.parquet`.

    All are one split where no name says any. Raises `InputError` where one of several numbered files is missing.
    """
    found: dict[str, list[str]] = {}
    for file in sorted(files):
        found.setdefault(_split_of(file), []).append(file)
    if set(found) == {""}:
        found = {ALL: found[""]}
    elif strange := found.pop("", []):
        raise InputError(f"{strange[0]} is of no split that its name says; call it train..., validation... or test...")
    return whole(found)


def whole(found: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The files of splits, none of whose numbered ones is missing."""
    for split, own in found.items():
        counts = {int(number[1]) for file in own if (number := re.search(r"-\d{5}-of-(\d{5})", file))}
        if counts and counts != {len(own)}:
            raise InputError(f"{len(own)} of {max(counts)} files of the split {split} are here; get the others too.")
    return {split: tuple(own) for split, own in found.items()}


def _split_of(file: str) -> str:
    """The split that a name says; empty where it says none."""
    stem, folder = Path(file).stem, Path(file).parent.name
    if numbered := re.fullmatch(r"(.+)-\d{5}-of-\d{5}(-\w+)?", stem):
        stem = numbered[1]
    if folder.startswith("partial-"):  # the hub converts no more than the beginning of a large set
        return folder
    for text in (stem, folder):
        for word in re.split("[^a-z]+", text.lower()):
            if word in SPLITS:
                return SPLITS[word]
    return stem if numbered else ""


def values(root: Path, layout: Parquet) -> set[Any]:
    """All different values of the column of classes."""
    column = layout.columns.label
    files = [root / file for own in layout.files.values() for file in own]
    return {value for path in files for value in read(path, [column])[column].unique().to_pylist()}


def count(root: Path, files: Sequence[str]) -> int:
    """Rows of some files."""
    return sum(_rows(root / file) for file in files)


def read(path: Path, wanted: Sequence[str]) -> pa.Table:
    """Some columns of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    _require(path, wanted)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            return file.read(columns=list(wanted))
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read ({error}); get it again.") from None


def texts(path: Path, column: str) -> bool:
    """Whether a column of classes holds their names."""
    import pyarrow as pa

    return not pa.types.is_integer(_facts(path)[1].field(column).type)


def leaves(path: Path) -> list[str]:
    """Names of the columns as they are stored: `image.bytes`, `image.path`, `label`."""
    stored = _facts(path)[0].schema
    return [stored.column(number).path for number in range(len(stored))]


def _require(path: Path, wanted: Sequence[str]) -> None:
    if absent := {*wanted} - {*leaves(path)}:
        raise InputError(f"{path} has no column {', '.join(sorted(absent))}, which other files have; get it again.")


def _rows(path: Path) -> int:
    return int(_facts(path)[0].num_rows)


def _facts(path: Path) -> tuple[Any, pa.Schema]:
    """What the footer of a file says: of its columns as they are stored, and as Arrow has them."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    return _footer(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _footer(path: Path, size: int, time: int) -> tuple[Any, pa.Schema]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path), pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is no whole Parquet file ({error}); get it again.") from None


def _content(path: Path) -> str:
    """SHA-256 of a file; one that the hub's cache has under its SHA-256 must be what it is called."""
    found, stored = sha256(path), path.resolve().name
    if re.fullmatch("[0-9a-f]{64}", stored) and stored != found:
        raise InputError(f"{path.resolve()} is damaged: its SHA-256 is another than its name; remove it, get it again.")
    return found


def _leaf(table: pa.Table, column: str) -> Any:
    """A column, or a field of one: `image.path`."""
    import pyarrow.compute as pc

    own, _, field = column.partition(".")
    return pc.struct_field(table[own], field) if field else table[own]


def _encoded(field: pa.Field) -> str | None:
    """Where the bytes of encoded images are in a column; None: it has none."""
    import pyarrow as pa

    def binary(kind: pa.DataType) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    if binary(field.type):
        return str(field.name)
    if pa.types.is_struct(field.type) and (number := field.type.get_field_index("bytes")) >= 0:
        return f"{field.name}.bytes" if binary(field.type.field(number).type) else None
    return None


def _is_class(field: pa.Field) -> bool:
    import pyarrow as pa

    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary)
    return bool(pa.types.is_integer(field.type) or any(kind(field.type) for kind in texts))


def _features(schema: pa.Schema) -> dict[str, Any]:
    """What the hub's library writes of the columns into a file."""
    try:
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return {name: about for name, about in found.items() if isinstance(about, dict)}
