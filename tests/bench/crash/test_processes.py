"""Real processes: killed at a write, and several at once on one store."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symmbench.bench.records import Store

Jobs = Callable[..., list[list[tuple[int, str]]]]
RUN = ["run", "-t", "cls", "-d", "two-spirals", "--device", "cpu", "--limit", "300", "--batch-size", "128", "--json"]
SMALL = ["network.channels=8", "schedule.steps=8", "schedule.warmup=1", "train.batch=8", "train.checkpoint_every=3"]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Run jobs in processes that are forked from one; see `processes.py`."""

    def run(jobs: list[Any], *, together: bool) -> list[list[tuple[int, str]]]:
        file = tmp_path / "jobs.json"
        file.write_text(json.dumps({"jobs": jobs, "together": together}))
        command = [sys.executable, str(Path(__file__).with_name("processes.py")), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found: list[list[tuple[int, str]]] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


def told(store: Path) -> dict[str, Any]:
    """What the finished records of a store say."""
    return {s.record.key: s.record.metrics for s in Store(store).items() if s.finished}


def left(folder: Path) -> list[Path]:
    """What should not be there."""
    hidden = [path for path in folder.rglob("*") if path.name.startswith((".", "batches-", "failure"))]
    cells = [path for path in folder.glob("*/*/*") if "protocols" not in path.parts]
    return hidden + [path for path in cells if len(list(path.glob("evidence*"))) != 1]


@pytest.mark.slow
def test_twenty_processes_killed_at_a_write(jobs: Jobs, tmp_path: Path) -> None:
    """Ten sweeps, six with `--force`, and four trainings; each is called again, and ends as if nothing had been."""
    draw = random.Random(20)
    forced = [*RUN, "--steps", "1,2", "--force", "--out"]
    plain = [*RUN, "--steps", "1,2", "--out"]
    train = [
        "train",
        "-r",
        "two-spirals/symmflow",
        "--device",
        "cpu",
        *(w for s in SMALL for w in ("--set", s)),
        "--out",
    ]
    start = tmp_path / "start"
    made = [[[[*plain, str(start)], [*train, str(tmp_path / "trained")]], str(tmp_path)]]
    assert [code for code, _ in jobs(made, together=False)[0]] == [0, 0]
    known = told(start)
    steps = []
    for number in range(20):
        out = tmp_path / f"out{number}"
        if number >= 16:
            steps.append([[draw.randrange(15), [*train, str(out)], [*train, str(out)]], str(out)])
        elif number >= 10:
            shutil.copytree(start, out)
            steps.append([[draw.randrange(100), [*forced, str(out)], [*forced, str(out)]], str(out)])
        else:
            steps.append([[draw.randrange(100), [*plain, str(out)], [*plain, str(out)]], str(out)])
    weights = (tmp_path / "trained/checkpoint/weights.safetensors").read_bytes()
    for number, ((killed, _), (code, said)) in enumerate(jobs(steps, together=False)):
        out = tmp_path / f"out{number}"
        assert killed == -signal.SIGKILL and code == 0, (number, said)
        if number >= 16:
            assert (out / "checkpoint/weights.safetensors").read_bytes() == weights
        else:
            assert told(out) == known and not left(out), (number, left(out))


def test_four_processes_on_one_store(jobs: Jobs, tmp_path: Path) -> None:
    """The same cells and others, two with `--force`, and comparisons meanwhile."""
    out = tmp_path / "out"
    ask = [[*RUN, "--steps", steps, "--out", str(out)] for steps in ("1,2", "2,3", "3,1", "1,2,3")]
    whole = [[[*RUN, "--steps", "1,2,3", "--out", str(tmp_path / "whole")]], [[*ask[0]]]]
    assert [code for code, _ in jobs([[steps, str(tmp_path)] for steps in whole], together=False)[0]] == [0]
    compare = ["compare", str(out), "--baseline", "symmflow@1", "--json"]
    asked = [[ask[1]], [ask[2]], [[*ask[0], "--force"]], [[*ask[3], "--force"]], [compare], [compare], [compare]]
    done = [one for (one,) in jobs(asked, together=True)]
    assert [code for code, _ in done] == [0] * 7, done
    assert told(out) == told(tmp_path / "whole") and not left(out), left(out)
    assert all("symmflow" in said for _, said in done[4:])


def test_a_second_process_is_told_whom_it_waits_for(bench: Any, tmp_path: Path) -> None:
    """One that holds a shard, seen from another: it waits, and goes on when the holder has died."""
    from symmbench.bench.run.plan import plan
    from symmbench.bench.run.request import Request
    from symmbench.bench.run.sweep import Progress, sweep

    asked = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=300, out=tmp_path / "r", device="cpu")
    planned = plan(asked)

    class Second(Progress):
        """Starts another process that takes the second shard, while the first is evaluated here."""

        def __init__(self) -> None:
            self.child, self.ended, self.said = 0, False, list[str]()

        def advance(self, images: int) -> None:
            if self.child:
                return
            (folder,) = (tmp_path / "r").glob("*/*/*/evidence-*")
            ready, tell = os.pipe()
            self.child = os.fork()
            if not self.child:
                from symmbench.symmflow.locks import acquire

                held = acquire(folder / ".00001.lock")
                os.write(tell, b"." if held else b"!")
                signal.pause()
            os.read(ready, 1)

        def say(self, line: str) -> None:
            self.said.append(line)
            self.end()

        def end(self) -> None:
            if self.child and not self.ended:
                self.ended = True
                os.kill(self.child, signal.SIGKILL)
                os.waitpid(self.child, 0)

    progress = Second()
    try:
        outcome = sweep(planned, asked, progress)
    finally:
        progress.end()
    assert outcome.evaluated == 300 and not left(tmp_path / "r")
    (line,) = progress.said
    assert line.startswith(f"waiting for 1 shard that process {progress.child} on ") and "since" in line
