"""Ctrl-C: what was finished stays, and the reader is told how to go on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest


def test_ctrl_c_says_what_is_kept(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    monkeypatch.setattr(CNNClassifier, "classify", lambda *given: signal.raise_signal(signal.SIGINT))
    done = bench("run", "-m", "cnn", "-t", "cls", "--limit", "4")
    said = "interrupted: 0 of 1 cells are finished and kept in results; the same command goes on from there."
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
    assert (tmp_path / "r" / "state" / "step-000001" / "state.json").is_file()


def _heard() -> None:
    """Also where the tests themselves run in the background, which ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_process_that_is_stopped_says_what_is_kept(bench: Any, tmp_path: Path, number: signal.Signals) -> None:
    asked = ["run", "-t", "cls", "-d", "two-spirals", "--steps", "1,400", "--seeds", "0,1", "--out", "cut"]
    command = [sys.executable, "-m", "symmbench.bench", *asked, "--batch-size", "32"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=_heard)
    shards, deadline = "cut/two-spirals/cls/*/evidence-*/samples-*", time.monotonic() + 120
    while not list(tmp_path.glob(shards)):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "Traceback" not in said, said
    last = said.strip().splitlines()[-1]
    assert last.startswith("interrupted: 0 of 4 cells are finished and kept in cut, and ")
    assert last.endswith(" samples of what is unfinished; the same command goes on from there.")
    rows = json.loads(bench("list", "runs", "--out", "cut", "--json").stdout)
    assert {row["status"] for row in rows} == {"unfinished"} and len(rows) in (2, 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare",), "no file is left half written; the same command begins anew."),
        (("train", "-r", "digits/cnn"), "the training stands where it was saved last; the same command goes on from"),
        (("rescore",), "records that are written stay; the same command does the rest."),
    ],
)
def test_other_commands_say_what_they_leave(
    bench: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    from symmbench.bench import api

    monkeypatch.setattr(api, arguments[0], lambda *given, **more: signal.raise_signal(signal.SIGINT))
    done = bench(*arguments)
    assert done.returncode == 130 and f"interrupted: {said}" in done.stderr


def test_a_reproduction_keeps_nothing(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    assert bench("run", "-m", "cnn", "-t", "cls", "--limit", "4").returncode == 0
    monkeypatch.setattr(CNNClassifier, "classify", lambda *given: signal.raise_signal(signal.SIGINT))
    (record,) = tmp_path.glob("results/digits/cls/*/record.json")
    done = bench("reproduce", str(record))
    assert done.returncode == 130 and "interrupted: nothing of it is kept; the same command begins anew." in done.stderr
