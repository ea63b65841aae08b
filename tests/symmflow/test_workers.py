"""Worker processes do not outlive the process that they work for."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection

import numpy as np
import psutil

from symmbench.symmflow.train.ahead import made_ahead
from symmbench.symmflow.workers import started


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


def _slow(number: int) -> np.ndarray:
    if number > 1:
        time.sleep(1000)
    return _large(number)


def _reads_as_a_group(tells: Connection) -> None:
    """All get both signals; at its end the second loader is not closed, and its workers are busy."""
    os.setpgid(0, 0)
    heard: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: heard.append(number))
    made = made_ahead(_large, range(50), workers=2)
    found = [int(next(made)[0])]
    for name in ("INT", "TERM"):  # as a terminal and a launcher do, which are none of them
        subprocess.run(["kill", f"-{name}", "--", f"-{os.getpid()}"], check=True, start_new_session=True)
    time.sleep(0.3)
    found += [int(one[0]) for one in made]
    tells.send((sorted(heard), found))
    global left
    left = made_ahead(_slow, range(50), workers=2)
    next(left)
    tells.send([worker.pid for worker in active_children()])


def test_a_signal_to_the_whole_group_is_for_the_reader_and_its_workers_end_with_it() -> None:
    """Who reads may finish what it is at, and save; nothing waits for a worker that has more to do."""
    context = get_context("fork")
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=_reads_as_a_group, args=(tells,))
    process.start()
    try:
        assert hears.poll(30), "the workers are gone"
        assert hears.recv() == ([signal.SIGINT, signal.SIGTERM], list(range(50)))
        workers = hears.recv()
        process.join(20)
        assert process.exitcode == 0 and len(workers) == 2 and not any(map(_runs, workers))
    finally:
        process.kill()


class _Blocked:
    """A loader that tells which signals its workers would inherit as blocked."""

    def __iter__(self) -> Iterator[signal.Signals]:
        return iter(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_workers_begin_deaf_to_signals_of_the_group() -> None:
    """One that has begun, but not yet come to `end_with_reader`, would be ended by what is for its reader."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert {signal.SIGINT, signal.SIGTERM} <= set(started(_Blocked()))  # type: ignore[arg-type]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
