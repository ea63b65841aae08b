"""The one error that is the user's to mend: its message is one sentence that says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input (file, name, size, option). The command line prints the message and exits with code 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not known, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    shown = names if len(names) <= 40 else [*names[:40], "..."]
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(shown) or 'none registered'}."
    return InputError(f"unknown {kind} {name!r}; {hint}")
