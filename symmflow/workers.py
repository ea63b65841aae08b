"""Worker processes that prepare data: they end with the process that they work for, and not before."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from multiprocessing import parent_process
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

T = TypeVar("T")
HEARD = {signal.SIGINT, signal.SIGTERM}


def started(loader: DataLoader[T]) -> Iterator[T]:
    """What a loader makes, once its workers (`worker_init_fn=end_with_reader`) have begun.

    A signal to the whole group that comes while they begin would end those that do not hear it yet.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # which they inherit
    try:
        return iter(loader)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def end_with_reader(number: int) -> None:
    """A loader's `worker_init_fn`: the worker ends when the process that it works for does or says so.

    PyTorch's own workers look whether it is still there, but one that has something left to hand over when it was
    killed waits for ever that somebody takes it. And a launcher or a terminal signals the whole group: what the reader
    does about that, such as saving what it trains, needs its workers, since it is stopped by an error when one ends.
    """
    reader = parent_process()
    assert reader is not None

    def watch() -> None:
        reader.join()
        os._exit(1)

    def hear() -> None:
        while signal.sigwaitinfo(HEARD).si_pid != reader.pid:
            pass
        os._exit(0)

    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # for `hear` alone; and in the threads to come
    for task in (watch, hear):
        Thread(target=task, daemon=True).start()
