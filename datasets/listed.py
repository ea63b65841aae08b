"""Samples out of files that a layout names: whatever is missing is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..symmflow.errors import InputError
from .layout import Sample
from .piece import whole


class Incomplete(InputError):
    """Files that a layout names and that are not there, or sentences on those whose class is none.

    `samples`: all that are whole; `rest`: files of those that are not; `said`: the message, instead of the usual one.
    """

    def __init__(
        self,
        of: str,
        missing: Sequence[Path] = (),
        wrong: Sequence[str] = (),
        *,
        samples: Sequence[Sample] = (),
        rest: Sequence[Path] = (),
        said: str = "",
    ) -> None:
        named = ", ".join(map(str, missing[:3])) + (", ..." if len(missing) > 3 else "")
        count = "1 file" if len(missing) == 1 else f"{len(missing):,} files"
        fact = f"{of} lacks {count}: {named}" if missing else wrong[0]
        super().__init__(said or f"{fact}; get the data set again (`bench data verify` names all that is wrong).")
        self.missing, self.wrong, self.samples, self.rest = tuple(missing), tuple(wrong), tuple(samples), tuple(rest)


def listed(of: str, wanted: Iterable[tuple[str, Mapping[str, Path], int | None]]) -> list[Sample]:
    """Samples of (id, files by role, class). Raises `Incomplete` that names all files which are not there."""
    found, missing, rest = list[Sample](), list[Path](), list[Path]()
    for name, files, label in wanted:
        absent = [path for path in files.values() if not path.is_file()]
        missing += absent
        if absent:
            rest += files.values()
        else:
            found.append(Sample(name, {role: whole(path) for role, path in files.items()}, label))
    if missing:
        raise Incomplete(of, missing, samples=found, rest=rest)
    return found


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
