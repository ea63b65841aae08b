"""Files of outputs: their fingerprint, and which of them is of which sample."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from ...symmflow.errors import InputError
from ...symmflow.files import sha256

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
ARRAY, ARCHIVE = ".npy", ".npz"
TABLES = (".csv", ".parquet")
READ = (*PICTURES, ARRAY, ARCHIVE, *TABLES)
NAMED = 8
"""Names that an error holds."""


def fingerprint(path: Path) -> str:
    """SHA-256 over names, sizes and SHA-256 of the files at a path that can hold outputs."""
    if path.is_dir():
        files = [path / name for name in listed(path, READ)]
        if not files:
            raise InputError(f"{path} holds no outputs; give a folder of {' or '.join(READ)} files.")
    elif path.is_file():
        files = [path]
        if path.suffix.lower() not in READ:
            raise InputError(f"{path} cannot be read as outputs; give a folder, or one of {', '.join(READ)}.")
    else:
        raise InputError(f"there are no outputs at {path}; give a folder or a file.")
    digest = hashlib.sha256()
    for file in files:
        facts = file.stat()
        name = file.relative_to(path) if path.is_dir() else file.name
        digest.update(f"{name} {facts.st_size} {_sha256(file, facts.st_size, facts.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=1 << 17)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Once a process, while size and time of change are the same."""
    return sha256(path)


def listed(root: Path, suffixes: Sequence[str]) -> list[PurePosixPath]:
    """Files below a folder, relative to it, in order; hidden ones are left out."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(
        (PurePosixPath(path.as_posix()) for path in found if not any(part.startswith(".") for part in path.parts)),
        key=natural,
    )


def natural(name: object) -> list[tuple[int, int, str]]:
    """Sorts `x_10` behind `x_2`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(name)) if part]


def matched(
    where: Path, names: Sequence[PurePosixPath], ids: Sequence[str], split: Sequence[str], several: int | None
) -> dict[str, tuple[PurePosixPath, ...]]:
    """The files of every id, as many as `several` (None: one, and the task takes no more), in their natural order.

    Raises `InputError` that names what is missing, of no sample of the split, or there twice.
    """
    known = _Known(split)
    found: dict[str, dict[str, PurePosixPath]] = {}
    strange = []
    for name in names:
        if (place := known.place(name)) is None:
            strange.append(name)
            continue
        own, draw = place
        if (other := found.setdefault(own, {}).setdefault(draw, name)) != name:
            raise InputError(f"{where} has two files of one stem, {other} and {name}; keep one.")
    missing = [i for i in ids if i not in found]
    if missing or strange:
        said = [f"no file of {some(missing)}"] * bool(missing) + [f"files of no sample: {some(strange)}"] * bool(
            strange
        )
        raise InputError(
            f"{where} does not match the {len(split):,} samples of the split by file stem ({ids[0]}.png): "
            f"{'; '.join(said)}."
        )
    _require(where, {i: found[i] for i in ids}, several)
    return {i: tuple(found[i][draw] for draw in sorted(found[i], key=natural)) for i in ids}


def _require(where: Path, found: Mapping[str, Mapping[str, PurePosixPath]], several: int | None) -> None:
    counts = {len(files) for files in found.values()}
    if counts == {several or 1}:
        return
    own = next(iter(i for i, files in found.items() if len(files) != (several or 1)))
    files = some(found[own].values())
    if several is None:
        raise InputError(f"{where} has several files of one stem ({files}); give the folder of one, or keep one.")
    if len(counts) == 1:
        (there,) = counts
        raise InputError(
            f"{where} has {there} files a sample ({files}), and {several} "
            f"{'is' if several == 1 else 'are'} asked for; give --samples-per-mask {there}."
        )
    raise InputError(f"{where} has {len(found[own])} files of {own} ({files}), and {several} are asked for.")


class _Known:
    """The ids of a split, whole and by their last part."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = set(ids)
        self.ends: dict[str, str | None] = {}
        for one in self.ids:
            end = one.rpartition("/")[2]
            self.ends[end] = None if end in self.ends else one

    def place(self, name: PurePosixPath) -> tuple[str, str] | None:
        """(id, which sample of it) of a file; None where it is of no id."""
        parts = name.with_suffix("").parts if name.suffix.lower() in READ else name.parts
        for start in range(len(parts)):
            above, rest = "/".join(parts[:start]), "/".join(parts[start:])
            if (own := self._named(rest)) is not None:
                return own, above
            if (cut := re.fullmatch(r"(.+)[_-](\d+)", rest)) and (own := self._named(cut[1])) is not None:
                return own, f"{above}/{cut[2]}"
            inner, _, last = rest.rpartition("/")
            if inner and (own := self._named(inner)) is not None:
                return own, f"{above}/{last}"
        return None

    def _named(self, text: str) -> str | None:
        return text if text in self.ids else self.ends.get(text)


def some(names: Iterable[object]) -> str:
    """The first of some names, and how many more there are."""
    everything = [str(name) for name in names]
    more = len(everything) - NAMED
    return ", ".join(everything[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
