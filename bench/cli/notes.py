"""What stops nothing and is worth a line: a record that was left out, a file system without locks."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...symmflow.errors import Note


@contextmanager
def notes() -> Iterator[None]:
    """Inside, every `Note` is a line on standard error, once."""
    shown: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, Note):
            before(message, category, *where, **more)
        elif (text := str(message)) not in shown:
            shown.add(text)
            print(f"note: {text}.", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", Note)
        before, warnings.showwarning = warnings.showwarning, show
        yield
