"""Streams whose reader may leave early (`bench gate ... 2>&1 | head`): the command ends with its own exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from typing import IO, Any, cast

from .terminal import Plain


class _Unread:
    """A stream from which nobody may read: what cannot be written is dropped, here and by whoever flushes later."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except BrokenPipeError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except BrokenPipeError:
            self._drop()

    def _drop(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def unread(
    stream: IO[str], redirect: Callable[[IO[str]], AbstractContextManager[Any]] = redirect_stdout
) -> Iterator[None]:
    """Inside, printing to standard output, or to what is redirected, never fails because a pipe's reader has left.

    Nor does what is printed steer a terminal.
    """
    patient = _Unread(stream)
    with redirect(cast(IO[str], Plain(cast(IO[str], patient)))):
        try:
            yield
        finally:
            patient.flush()
