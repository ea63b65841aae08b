"""Worker processes do not outlive the process that they work for."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection

import numpy as np
import psutil

from symmbench.symmflow.train.ahead import made_ahead


def _large(number: int) -> np.ndarray:
    """More than fits into a pipe."""
    return np.full(1 << 17, float(number))


def _reads_and_is_killed(tells: Connection) -> None:
    for made in made_ahead(_large, range(50), workers=2):
        if made[0] == 3:
            tells.send([worker.pid for worker in active_children()])
            time.sleep(0.5)  # they go on until they have to wait
            os.kill(os.getpid(), signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_workers_of_a_killed_process_end() -> None:
    context = get_context("fork")
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=_reads_and_is_killed, args=(tells,))
    process.start()
    workers = hears.recv()
    process.join()
    assert process.exitcode == -signal.SIGKILL and len(workers) == 2
    deadline = time.monotonic() + 20
    while any(map(_runs, workers)):
        assert time.monotonic() < deadline, f"{workers} wait for a reader that was killed"
        time.sleep(0.05)


def _reads_as_a_group(tells: Connection) -> None:
    os.setpgid(0, 0)
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    found = []
    for made in made_ahead(_large, range(12), workers=2):
        if made[0] == 3:
            os.killpg(os.getpid(), signal.SIGTERM)  # as a launcher and a scheduler do
            time.sleep(0.3)
        found.append(int(made[0]))
    tells.send((heard, found))


def test_a_signal_to_the_whole_group_is_for_the_reader() -> None:
    """Who reads may finish what it is at, and save."""
    context = get_context("fork")
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=_reads_as_a_group, args=(tells,))
    process.start()
    assert hears.poll(30), "the workers are gone"
    assert hears.recv() == ([signal.SIGTERM], list(range(12)))
    process.join(20)
    assert process.exitcode == 0
