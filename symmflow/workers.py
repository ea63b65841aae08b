"""Worker processes that prepare data: they end with the process that they work for."""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process
from threading import Thread, Timer

GRACE = 30.0
"""Seconds that a worker goes on after a SIGTERM."""


def end_with_reader(number: int) -> None:
    """A loader's `worker_init_fn`: the worker ends when the process that it works for does, however that ends.

    Hardly before: Ctrl-C, and the SIGTERM that a launcher or a scheduler sends to a whole group, are for that process,
    which may have a step to finish and something to save first.

    PyTorch's own workers look whether it is still there, but one that has something left to hand over when it was
    killed waits for ever that somebody takes it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: Timer(GRACE, os._exit, (0,)).start())
    reader = parent_process()
    assert reader is not None

    def watch() -> None:
        reader.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
