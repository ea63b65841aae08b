"""Errors that are the user's to mend: each states a fact in one sentence; who knows the caller adds what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class InputError(ValueError):
    """Bad input (file, name, size, option); the message is one sentence.

    A subclass states a fact alone, without a full stop: what helps depends on the caller, who may add it.
    """


class Unwritable(InputError):
    """A file or folder that cannot be written. `errno`: the system's reason."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"cannot write {path}: {error.strerror or error}")
        self.path, self.errno = path, error.errno


class NoRecipe(InputError):
    """There is no recipe where one should be."""


class NoCheckpoint(InputError):
    """There is no checkpoint where one should be."""


class Damaged(InputError):
    """A checkpoint that is not what it was when it was saved, or weights that do not fit their recipe."""


class WrongValue(InputError):
    """A value of a recipe's table that is not allowed, or a key that it does not have."""


class Oversized(InputError):
    """A file that is larger, or would unpack to more, than such a file can hold."""


class Unreadable(InputError):
    """A file that is not of its kind."""


class OtherRecipe(InputError):
    """A training that was begun with another recipe."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not known, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    shown = names if len(names) <= 40 else [*names[:40], "..."]
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(shown) or 'none registered'}."
    return InputError(f"unknown {kind} {name!r}; {hint}")
