"""Code of others: what it raises and leaves behind stays its own."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from symmbench.symmflow.guests import Broke, Guest, interrupted, said, watched


def test_exceptions_pass_and_everything_else_is_broke() -> None:
    with pytest.raises(KeyError), Guest():
        raise KeyError("mine")
    for raised in (SystemExit(3), GeneratorExit(), KeyboardInterrupt()):
        with pytest.raises(Broke, match=type(raised).__name__), watched(), Guest():
            raise raised


def test_a_signal_passes_also_where_it_is_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt), watched(), Guest():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), watched():
        with Guest(), suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        pytest.fail("it was not heard")
    assert not interrupted()


def test_who_watches_leaves_the_handler_that_was_there() -> None:
    before = signal.getsignal(signal.SIGINT)
    with watched(), watched():
        assert signal.getsignal(signal.SIGINT) is not before and not interrupted()
    assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with watched():  # a job in the background, which Ctrl-C does not reach
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN and not interrupted(unknown=True)
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_a_generator_leaves_is_its_own_until_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def code() -> Iterator[tuple[bool, torch.dtype, Path]]:
        os.chdir("/")
        sys.stdout = sys.stderr
        torch.set_default_dtype(torch.float64)
        warnings.simplefilter("error")
        np.seterr(divide="raise")
        with torch.autocast("cpu", torch.bfloat16):
            for _ in range(2):
                yield torch.is_autocast_enabled("cpu"), torch.get_default_dtype(), Path.cwd()

    guest, made, out = Guest(), code(), sys.stdout
    for _ in range(2):
        with guest:
            assert next(made) == (True, torch.float64, Path("/"))
        assert not torch.is_autocast_enabled("cpu") and torch.get_default_dtype() == torch.float32
        assert Path.cwd() == tmp_path and sys.stdout is out and np.geterr()["divide"] != "raise"
        with warnings.catch_warnings(record=True):
            warnings.warn("heard", stacklevel=1)


def test_errors_are_told_in_one_printable_line() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert said(KeyError("name")) == "KeyError: 'name'"
    assert said(ValueError("a\n\x1b[2Jb.")) == "ValueError: a [2Jb"
    assert "Mute" in said(Mute()) and len(said(ValueError("x" * 10_000))) < 400
