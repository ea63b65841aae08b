"""Worker processes that prepare data: they end with the process that they work for, and not before."""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process
from threading import Thread

HEARD = {signal.SIGINT, signal.SIGTERM}


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

    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # in the threads that begin from here on, too
    for task in (watch, hear):
        Thread(target=task, daemon=True).start()
