"""Samples out of files that a layout names: whatever is missing is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..symmflow.errors import InputError
from .layout import Sample
from .piece import whole


class MissingFiles(InputError):
    """Files that a layout names and that are not there."""

    def __init__(self, of: str, files: Sequence[Path]) -> None:
        named = ", ".join(map(str, files[:3])) + (", ..." if len(files) > 3 else "")
        count = "1 file" if len(files) == 1 else f"{len(files):,} files"
        super().__init__(f"{of} lacks {count}: {named}; get the data set again (`bench data verify` names all).")
        self.files = tuple(files)


def listed(of: str, wanted: Iterable[tuple[str, Mapping[str, Path], int | None]]) -> list[Sample]:
    """Samples of (id, files by role, class). Raises `MissingFiles` that names all which are not there."""
    wanted = list(wanted)
    if missing := [path for _, files, _ in wanted for path in files.values() if not path.is_file()]:
        raise MissingFiles(of, missing)
    return [Sample(name, {role: whole(path) for role, path in files.items()}, label) for name, files, label in wanted]


def lines(path: Path) -> list[str]:
    """The lines of a list that are not empty."""
    try:
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list ({error}).") from None


def stems(folder: Path, suffix: str) -> list[str]:
    """What the names of a folder's files have before `suffix`, sorted; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path.name.removesuffix(suffix) for path in folder.iterdir() if path.name.endswith(suffix))
