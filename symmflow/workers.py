"""Worker processes that prepare data: they end with the process that they work for."""

from __future__ import annotations

import os
from multiprocessing import parent_process
from threading import Thread


def end_with_reader(number: int) -> None:
    """A loader's `worker_init_fn`: the worker ends when the process that it works for does, however that ends.

    PyTorch's own workers look whether it is still there, but one that has something left to hand over when it was
    killed waits for ever that somebody takes it.
    """
    reader = parent_process()
    assert reader is not None

    def watch() -> None:
        reader.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
