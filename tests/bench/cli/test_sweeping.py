"""What a run says meanwhile: a line a cell and a minute in a log, bars with i of N and the time left on a terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from symmbench.bench.cli import progress, sweeping
from symmbench.bench.cli.sweeping import duration
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep


def test_a_log_gets_a_line_a_cell(bench: Any) -> None:
    done = bench("run", "-m", "symmflow,cnn", "-t", "cls", "-d", "digits", "--steps", "1,2", "--limit", "8")
    lines = done.stderr.splitlines()
    assert lines[0] == "3 cells to evaluate; loading ..."
    said = [line for line in lines if line.startswith("cell ")]
    assert re.match(r"cell 1 of 3: digits/cls symmflow steps=1 seed=0: 8 images, about \d+ s left$", said[0])
    assert said[-1] == "cell 3 of 3: digits/cls cnn seed=0: 8 images" and len(said) == 3
    assert "cell " not in bench("run", "-m", "cnn", "-t", "cls", "--limit", "8").stderr  # nothing to do


def test_a_log_gets_a_line_a_minute(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MINUTE", 0.0)
    done = bench("run", "-m", "symmflow", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--limit", "300")
    assert "cell 1 of 1: two-spirals cls symmflow: 64 of 300 images, about " in done.stderr
    assert "cell 1 of 1: two-spirals cls symmflow: 300 of 300 images\n" in done.stderr


def test_a_failed_cell_is_told_at_once(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    def broken(*given: object) -> None:
        raise RuntimeError("on fire\nand burning")

    monkeypatch.setattr(CNNClassifier, "classify", broken)
    done = bench("run", "-m", "cnn", "-t", "cls", "--limit", "8")
    assert done.returncode == 1 and "cell 1 of 1: digits/cls cnn seed=0: failed\n" in done.stderr
    assert "cnn cls on digits: cnn breaks with RuntimeError: on fire and burning; `bench check cnn`" in done.stderr
    assert re.search(r"the traceback lies in results/digits/cls/cnn-\S+/record.json\.\n", done.stderr)
    assert "failed: cnn seed=0: cnn breaks with RuntimeError: on fire and burning" in bench("compare").stdout


def test_a_terminal_shows_which_cell_and_the_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=120)
    for module in (progress, sweeping):
        monkeypatch.setattr(module, "console", terminal)
    request = Request(methods=["symmflow"], tasks=["cls"], datasets=["two-spirals"], steps=[1, 2], seeds=[0, 1],
                      limit=300, out=tmp_path, device="cpu")  # fmt: skip
    with sweeping.sweep_progress() as told:
        assert isinstance(told, sweeping.OnTerminal)
        sweep(plan(request), request, told)
    text = shown.getvalue()
    assert "4 cells to evaluate" in text and "cells" in text and "4/4" in text and "images/s" in text
    assert told.left == "" and told.done == 4


def test_time_left_is_weighed_by_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs of equal samples, of 1 + 3 steps each; half of the first took two seconds: six are left."""
    from symmbench.bench.code import Installed
    from symmbench.bench.records import Store
    from symmbench.bench.run.due import due

    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1, 3], seeds=[0, 1], limit=300, out=tmp_path)
    now = [100.0]
    monkeypatch.setattr(sweeping.time, "monotonic", lambda: now[0])
    told = sweeping.Lines()
    found = [due(job, Store(tmp_path), request, Installed()) for job in plan(request).jobs]
    told.begin(found)
    told.job(found[0].job.title, total=600, done=0)
    now[0] += 2.0
    told.advance(300)
    assert told.place == "1 of 4" and told.left == ", about 6 s left"


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 89, 600, 12_600)] == ["0 s", "89 s", "10 min", "3.5 h"]
