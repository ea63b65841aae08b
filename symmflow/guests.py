"""Code of others, so run that it is nobody else's trouble: what it raises, what it leaves behind, Ctrl-C meanwhile."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

LONGEST = 300
"""Characters of what is said of an error."""


class Broke(RuntimeError):
    """Code of others tried to end the process (`sys.exit`, KeyboardInterrupt), or raised what is no `Exception`."""


SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""That ask to stop: Ctrl-C, and what a launcher or a scheduler sends."""


class _Watch:
    """A handler of a signal that notes whether it came, and then does what the one before it does."""

    def __init__(self, before: Any) -> None:
        self.before, self.came, self.process = before, False, os.getpid()

    def __call__(self, number: int, frame: Any) -> None:
        if os.getpid() != self.process and number == signal.SIGTERM:  # a child that is being ended
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.came = True
        if callable(self.before):
            self.before(number, frame)
        raise KeyboardInterrupt


@contextmanager
def watched() -> Iterator[None]:
    """Inside, Ctrl-C can be told from a KeyboardInterrupt that code raises by itself; SIGTERM is as Ctrl-C."""
    watches = {number: _Watch(signal.getsignal(number)) for number in SIGNALS}
    for number, watch in watches.items():
        if watch.before not in (signal.SIG_IGN, None):  # in the background, or not Python's to handle
            _handle(number, watch)
    try:
        yield
    finally:
        for number, watch in watches.items():
            now: Any = signal.getsignal(number)
            if now is watch:
                _handle(number, watch.before)


def interrupted(unknown: bool = False) -> bool:
    """Whether Ctrl-C or SIGTERM came while somebody was watching; `unknown` where nobody was."""
    handlers: list[Any] = [signal.getsignal(number) for number in SIGNALS]
    if any(handler.came for handler in handlers if isinstance(handler, _Watch)):
        return True
    return unknown and not isinstance(handlers[0], _Watch) and handlers[0] != signal.SIG_IGN


class Guest:
    """Whatever code under `with guest:` raises comes out as an Exception; what it changes of the process is put back.

    An Exception passes as it is, anything else as `Broke`; Ctrl-C alone passes, also where the code swallowed it. When
    the same guest enters again, as for the next result of a generator, it finds what it had left: a generator may yield
    inside `torch.autocast`.
    """

    def __init__(self) -> None:
        self._host: list[Any] = []
        self._own: list[Any] | None = None

    def __enter__(self) -> None:
        self._switches = _switches()
        self._host = [read() for read, _ in self._switches]
        if self._own is not None:
            _set(self._switches, self._own)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._own = [read() for read, _ in self._switches]
        _set(self._switches, self._host)
        if len(now := _switches()) > len(self._switches):  # PyTorch was imported meanwhile
            _as_it_starts(sys.modules["torch"])
            self._own += [read() for read, _ in now[len(self._switches) :]]
        if isinstance(error, KeyboardInterrupt) and interrupted(unknown=True):
            return
        if error is not None and not isinstance(error, Exception):
            raise Broke(said(error)) from error
        if interrupted():
            raise KeyboardInterrupt


def said(error: BaseException) -> str:
    """`KeyError: 'name'`: an error in one line, whatever its text is."""
    if isinstance(error, Broke):
        return str(error)
    lines = "".join(traceback.format_exception_only(type(error), error))
    shown = "".join(c if c.isprintable() else " " for c in lines)
    words = " ".join(shown.split()).rstrip(".")
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}..."


Switch = tuple[Callable[[], Any], Callable[[Any], Any]]
"""Something of the process: what reads it, and what sets it."""


def _set(switches: Sequence[Switch], values: Sequence[Any]) -> None:
    for (read, write), value in zip(switches, values, strict=False):
        if read() != value:
            write(value)


def _switches() -> list[Switch]:
    import numpy as np

    own: list[Switch] = [
        (_folder, os.chdir),
        *((partial(signal.getsignal, number), partial(_handle, number)) for number in SIGNALS),
        (lambda: [rule for rule in warnings.filters if rule[0] == "error"], _alarm),
        (np.geterr, lambda events: np.seterr(**events)),
    ]
    own += [(partial(getattr, sys, name), partial(setattr, sys, name)) for name in ("stdout", "stderr")]
    torch = sys.modules.get("torch")
    return own if torch is None or not hasattr(torch, "compile") else [*own, *_of_torch(torch)]


def _folder() -> Path:
    """The current one: relative paths are to mean the same as before."""
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path("/")


def _handle(number: signal.Signals, handler: Any) -> None:
    with suppress(ValueError):  # not the main thread, where Python delivers no signals
        signal.signal(number, handler)


def _alarm(rules: list[Any]) -> None:
    """Have only these warnings be errors."""
    warnings.filters[:] = [*rules, *(rule for rule in warnings.filters if rule[0] != "error")]  # type: ignore[index]


def _as_it_starts(torch: Any) -> None:
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    torch.set_default_device(None)


def _of_torch(torch: Any) -> list[Switch]:
    named = [
        (torch.backends.cudnn, "benchmark"),
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.cudnn, "allow_tf32"),
        (torch.backends.cuda.matmul, "allow_tf32"),
    ]
    return [
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
        (torch.get_default_device, lambda d: torch.set_default_device(None if d.type == "cpu" else d)),
        *((partial(getattr, owner, name), partial(setattr, owner, name)) for owner, name in named),
        *((partial(torch.is_autocast_enabled, on), partial(torch.set_autocast_enabled, on)) for on in ("cpu", "cuda")),
        *((partial(torch.get_autocast_dtype, on), partial(torch.set_autocast_dtype, on)) for on in ("cpu", "cuda")),
    ]
