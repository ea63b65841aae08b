"""Ctrl-C: what was finished stays, and the reader is told how to go on."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest


def test_ctrl_c_says_what_is_kept(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    monkeypatch.setattr(CNNClassifier, "classify", lambda *given: signal.raise_signal(signal.SIGINT))
    done = bench("run", "-m", "cnn", "-t", "cls", "--limit", "4")
    said = "interrupted: what was finished is kept; the same command goes on from there."
    assert done.returncode == 130 and said in done.stderr and "Traceback" not in done.stderr


def test_a_training_says_where_it_stopped(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.symmflow.objective import SymmFlowObjective

    taken = SymmFlowObjective.loss

    def loss(self: Any, *given: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return taken(self, *given)

    monkeypatch.setattr(SymmFlowObjective, "loss", loss)
    small = ("--set", "network.channels=8", "--set", "train.batch=8")
    done = bench("train", "--recipe", "two-spirals/symmflow", *small, "--out", "r", "--device", "cpu")
    assert done.returncode == 130, done.stderr
    assert "interrupted: stopped after step 1; started again, it goes on from there." in done.stderr
    assert (tmp_path / "r" / "state.pt").is_file()
