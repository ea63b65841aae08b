"""Ctrl-C and SIGTERM, heard between steps."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TWICE = 2.0
"""Seconds in which a launcher, or a scheduler beside it, may send the same signal again."""


@contextmanager
def interruptible(launched: bool) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag to be read between steps; a second one stops at once.

    `launched`: by something that passes signals on, so that a second one counts after some seconds only.
    """
    since: float | None = None

    def stop(number: int, frame: object) -> None:
        nonlocal since
        if since is None:
            since = time.monotonic()
        elif not launched or time.monotonic() - since > TWICE:
            raise KeyboardInterrupt

    try:
        before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread, where Python delivers no signals
        before = {}
    try:
        yield lambda: since is not None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
