"""What to do about an error: symmflow states facts, the command line knows its own options."""

from __future__ import annotations

import errno

from ...symmflow.errors import (
    Busy,
    Damaged,
    InputError,
    NoCheckpoint,
    NoRecipe,
    OtherRecipe,
    Oversized,
    Unreadable,
    Unwritable,
    WrongValue,
)

FULL = "free some space; what was finished before is kept"
ELSEWHERE = "choose another folder with --out; what was finished before is kept"

REMEDIES: dict[type[InputError], str] = {
    Unwritable: ELSEWHERE,
    NoRecipe: "`bench list recipes` shows the bundled ones",
    NoCheckpoint: "`bench train` makes one",
    Damaged: "train it again, or download it again",
    WrongValue: "mend the recipe or the --set",
    Oversized: "give the right file",
    Unreadable: "give the right file",
    OtherRecipe: "choose another --out, or remove it",
    Busy: "wait for it, or choose another --out",
}
FILE = "a file lies where a folder should be; choose another folder"
BY_ERRNO = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EEXIST: FILE, errno.ENOTDIR: FILE}


def remedied(error: InputError) -> str:
    """The error as one sentence, "FACT; REMEDY."; an error that names its own remedy stays as it is."""
    remedy = _remedy(error)
    return f"{error}; {remedy}." if remedy else str(error)


def _remedy(error: InputError) -> str | None:
    if isinstance(error, Unwritable) and error.errno in BY_ERRNO:
        return BY_ERRNO[error.errno]
    for kind in type(error).__mro__:
        if kind in REMEDIES:
            return REMEDIES[kind]
    if isinstance(cause := error.__cause__, InputError) and str(cause) == str(error):  # passed on under another name
        return _remedy(cause)
    return None
