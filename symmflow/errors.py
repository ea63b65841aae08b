"""Errors that are the user's to mend: each states a fact in one sentence; who knows the caller adds what to do."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from pathlib import Path

SHOWN, LONGEST, NEAR = 40, 80, 0.65
"""Names that a refusal lists; characters of a name that are compared; likeness from which on a name is suggested."""


class InputError(ValueError):
    """Bad input (file, name, size, option); the message is one sentence.

    A subclass states a fact alone, without a full stop: what helps depends on the caller, who may add it.
    """


class Screen(InputError):
    """What no sentence holds: lines, to be shown as they are."""


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


class Busy(InputError):
    """Somebody else is at it."""


class Note(Warning):
    """A sentence about something that stops nothing, without a full stop."""


def note(text: str) -> None:
    """Tell the user of something that stops nothing; the command line prints each once."""
    warnings.warn(text, Note, stacklevel=3)


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not known, with the nearest one that is."""
    names = sorted(known)
    if near := nearest(name, names):
        return InputError(f"unknown {kind} {name!r}; did you mean {near!r}?")
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return InputError(f"unknown {kind} {name!r}; choose one of: {', '.join(names[:SHOWN]) or 'none registered'}{more}.")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of all known names that was probably meant: of other case, begun, or mistyped; None if none is near."""
    names, low = sorted(known), name.casefold()
    same = [known for known in names if low and known.casefold() == low]
    begun = [known for known in names if len(low) > 2 and known.casefold().startswith(low)]
    folded = {known.casefold(): known for known in reversed(names)}
    near = [folded[close] for close in difflib.get_close_matches(low[:LONGEST], folded, n=1, cutoff=NEAR)]
    return next(iter([*same, *near, *(begun if len(begun) == 1 else ())]), None)
