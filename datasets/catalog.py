"""What the files of a split are: ids, pieces, sizes and checksums, kept as an Arrow file until one of them changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Any

import numpy as np

from ..symmflow.errors import InputError
from ..symmflow.files import atomic, sha256
from ..symmflow.pixels import IGNORE
from .cache import cache_folder
from .layout import IMAGE, Layout, Sample
from .piece import OWN, Piece, Read

if TYPE_CHECKING:
    import pyarrow as pa

READING: ContextVar[Callable[[str, int, int], None] | None] = ContextVar("READING", default=None)
"""Told, where files are read for a manifest, of what they are, samples done and samples in all; nobody by default."""
BLOCK = 2048
"""Samples a record batch."""
FORMAT = "1"


@dataclass(frozen=True)
class Catalog:
    """The samples of a split with the size and checksum of every piece; mapped from the cache folder, not in memory."""

    table: pa.Table
    root: Path
    content_sha256: str
    """Of ids, classes and checksums, and of the version of what is made of them; not of where they lie."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.table["id"].to_pylist())

    def sample(self, position: int) -> Sample:
        """A sample with its pieces."""
        row = {name: self.table[name][position].as_py() for name in ("id", "label", "pieces")}
        pieces = {p.pop("role"): Piece(self.root / p.pop("path"), **p) for p in row["pieces"]}
        return Sample(row["id"], pieces, row["label"])

    def size(self, position: int) -> tuple[int, int]:
        """(H, W) of the original image."""
        return int(self.table["height"][position].as_py()), int(self.table["width"][position].as_py())

    @cached_property
    def highest(self) -> int:
        """The highest class id in the masks, of a layout that scans them; -1 where there is none."""
        import pyarrow.compute as pc

        found = pc.max(self.table["highest"]).as_py()
        return -1 if found is None else int(found)

    def where(self, value: int) -> Sample:
        """The first sample whose mask has `value` as its highest class id."""
        return self.sample(self.table["highest"].to_pylist().index(value))

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """The different sizes of the originals, ascending."""
        columns = [self.table[name].to_numpy().tolist() for name in ("height", "width")]
        return sorted(set(zip(*columns, strict=True)))


def catalog(name: str, version: str, layout: Layout, root: Path, split: str) -> Catalog:
    """Made once of the files of a split, which are read for it, and kept until one has another size or time.

    `version`: of what is made of the files; another one makes another content hash. A folder that gains or loses a file
    is noticed too.
    """
    import pyarrow as pa

    root = root.resolve()
    key = hashlib.sha256("\n".join((name, layout.name, split, str(root))).encode()).hexdigest()[:16]
    place = cache_folder("manifests") / f"{key}.arrow"
    about = {"format": FORMAT, "version": version, "layout": layout.name}
    if (found := _kept(place, root, about)) is not None:
        return found
    made = _made(f"{name} {split}", layout, root, split, about)
    with contextlib.suppress(InputError):  # where nothing can be kept, it is made again
        table = made.table  # its schema says what it is of
        with atomic(place) as aside, pa.OSFile(str(aside), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        return _kept(place, root, about) or made
    return made


def _kept(place: Path, root: Path, about: Mapping[str, str]) -> Catalog | None:
    """What is kept, if every file and folder is what it was."""
    import pyarrow as pa

    try:
        table = pa.ipc.open_file(pa.memory_map(str(place))).read_all()
        said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError):
        return None
    content = said.pop("content_sha256", "")
    if said != dict(about) or not table.schema.equals(schema()):
        return None
    for chunk in table["watched"].chunks:
        files = chunk.flatten()
        for path, size, time in zip(*(files.field(n).to_pylist() for n in ("path", "size", "time")), strict=True):
            if _state(os.path.join(root, path)) != (size, time):  # noqa: PTH118 (a Path a file is too slow)
                return None
    return Catalog(table, root, content)


def _state(path: str) -> tuple[int, int]:
    """Size (-1: a folder) and time; (-2, 0) where there is nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return -2, 0
    return (-1 if S_ISDIR(found.st_mode) else found.st_size), found.st_mtime_ns


def _made(what: str, layout: Layout, root: Path, split: str, about: Mapping[str, str]) -> Catalog:
    import pyarrow as pa

    samples, report = layout.samples(root, split), READING.get()
    if not samples:
        raise InputError(f"{root} has no sample of the split {split} ({layout.name}); get its files again.")
    _require_one_each(samples, root)
    watch = _Watch(root)
    consulted = [root, *layout.consulted(root, split)]
    digest = hashlib.sha256(f"{about['version']}\x1f".encode())
    batches, done, todo = [], 0, iter(samples)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        sums = _Sums()
        while block := list(islice(todo, BLOCK)):
            rows = []
            for sample, (pieces, seen) in zip(block, pool.map(lambda s: sums.of(s, layout), block), strict=True):
                digest.update(_line(sample, pieces).encode())
                rows.append(_row(sample, pieces, watch, consulted) | seen)
                consulted = []
                done += 1
                if report and done % 64 == 0:
                    report(what, done, len(samples))
            batches.append(pa.RecordBatch.from_pylist(rows, schema=schema()))
    content = digest.hexdigest()
    table = pa.Table.from_batches(batches).replace_schema_metadata({**about, "content_sha256": content})
    return Catalog(table, root, content)


class _Sums:
    """Checksums of pieces; a file that holds many is read once."""

    def __init__(self) -> None:
        self.files: dict[Path, str] = {}

    def of(self, sample: Sample, layout: Layout) -> tuple[dict[str, Piece], dict[str, Any]]:
        """The pieces with their checksums; size of the image, and the highest class id where masks are scanned."""
        scanned = layout.scans and sample.label is None
        reads = {
            role: piece.read()
            for role, piece in sorted(sample.pieces.items())
            if role == IMAGE or scanned or (not piece.checksum and piece.kind == "file")
        }
        pieces = {
            role: piece if piece.checksum else replace(piece, checksum=self._sum(piece, reads.get(role)))
            for role, piece in sorted(sample.pieces.items())
        }
        height, width = layout.size(reads[IMAGE])
        highest = _highest(layout, reads, (height, width)) if scanned else None
        return pieces, {"height": height, "width": width, "highest": highest}

    def _sum(self, piece: Piece, read: Read | None) -> str:
        if piece.kind == "file" and read is not None:
            return hashlib.sha256(read.data).hexdigest()
        if piece.path not in self.files:
            self.files[piece.path] = sha256(piece.path)
        return self.files[piece.path]


def _highest(layout: Layout, reads: Mapping[str, Read], size: tuple[int, int]) -> int:
    """The highest class id in a mask. Raises `InputError` where it is of another size than its image."""
    others = {role: read for role, read in reads.items() if role != IMAGE}
    mask = layout.mask(others)
    if mask.shape != size:
        names = ", ".join(read.name for read in others.values())
        sizes = [f"{height}x{width}" for height, width in (mask.shape, size)]
        raise InputError(f"{names} is {sizes[0]} and its image {sizes[1]}; make them equal.")
    return int(np.where(mask == IGNORE, -1, mask.astype(np.int16)).max(initial=-1))


def _line(sample: Sample, pieces: Mapping[str, Piece]) -> str:
    """What of a sample is content."""
    parts = [sample.id, str(sample.label)]
    for role, piece in pieces.items():
        own = piece.checksum.startswith(OWN)  # says all: it does not matter where in which file it lies
        inside = (piece.member, str(piece.start)) if piece.kind in ("part", "parquet") and not own else ()
        parts += [role, piece.checksum, *inside]
    return "\x1f".join(parts) + "\n"


class _Watch:
    """Which files and folders are to be as they were; each once. Plain strings: there may be a million."""

    def __init__(self, root: Path) -> None:
        self.root, self.seen = str(root), set[str]()

    def relative(self, path: Path) -> str:
        """As the manifest has it, so that the root may move."""
        said = str(path)
        return said.removeprefix(f"{self.root}/") if said != self.root else "."

    def new(self, paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
        """A row each of what was not watched before: the files, and the folders of the root that lead to them."""
        for path in paths:
            one, first = self.relative(path), True
            while one not in self.seen and (first or not one.startswith("/")):
                self.seen.add(one)
                size, time = _state(os.path.join(self.root, one))  # noqa: PTH118
                yield {"path": one, "size": size, "time": time}
                one, first = one.rpartition("/")[0] or ".", False


def _row(sample: Sample, pieces: Mapping[str, Piece], watch: _Watch, consulted: Sequence[Path]) -> dict[str, Any]:
    files = [*consulted, *(piece.path for piece in pieces.values())]
    return {
        "id": sample.id,
        "label": sample.label,
        "pieces": [{**vars(piece), "role": role, "path": watch.relative(piece.path)} for role, piece in pieces.items()],
        "watched": list(watch.new(files)),
    }


def _require_one_each(samples: Sequence[Sample], root: Path) -> None:
    """Refuse two samples of one id: no draw and no evidence could tell them apart."""
    seen: dict[str, Sample] = {}
    for sample in samples:
        if (other := seen.setdefault(sample.id, sample)) is not sample:
            names = [next((p.name for p in s.pieces.values()), str(root)) for s in (other, sample)]
            raise InputError(f"{names[0]} and {names[1]} are both sample {sample.id}; rename or remove one.")


@lru_cache(maxsize=1)
def schema() -> pa.Schema:
    """A row a sample; `watched`: the files and folders that this sample is the first to need, size -1: a folder."""
    import pyarrow as pa

    file = {"path": pa.string(), "size": pa.int64(), "time": pa.int64()}
    piece = {
        "role": pa.string(),
        "path": pa.string(),
        "size": pa.int64(),
        "kind": pa.string(),
        "member": pa.string(),
        "start": pa.int64(),
        "length": pa.int64(),
        "checksum": pa.string(),
    }
    numbers = dict.fromkeys(("label", "height", "width", "highest"), pa.int32())
    lists = {name: pa.list_(pa.struct(list(one.items()))) for name, one in (("pieces", piece), ("watched", file))}
    return pa.schema({"id": pa.string(), **numbers, **lists})
