"""What stops nothing and is worth a line: a record that was left out or replaced, a file system without locks."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import Note

if TYPE_CHECKING:
    from ..records import Record


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


def say_replaced(records: Sequence[Record]) -> None:
    """Of a comparison or a report: which older records do not count."""
    if records:
        cells = "a cell was" if len(records) == 1 else f"{len(records)} cells were"
        print(
            f"note: {cells} measured more than once, with "
            "other figures; the newest record counts (`bench gate OLD NEW` compares them).",
            file=sys.stderr,
        )
