"""Several processes: they compute what one computes, and what they save is whole for any other number of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

Launch = Callable[..., None]
Seen = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all that is asked below has been run, by one process that forks the others."""
    folder = tmp_path_factory.mktemp("launched")
    sharded = {"shard": True, "world": 2}
    jobs = [
        {"out": "one", "world": 1},
        {"out": "two", "world": 2},
        {"out": "two-one", "world": 2, "steps": 7},
        {"out": "two-one", "world": 1},
        {"out": "one-two", "world": 1, "steps": 7},
        {"out": "one-two", "world": 2},
        {"out": "sharded", **sharded},
        {"out": "sharded-one", **sharded, "steps": 7},
        {"out": "sharded-one", "world": 1},
        {"out": "one-sharded", "world": 1, "steps": 7},
        {"out": "one-sharded", **sharded},
        {"out": "stopped", "world": 2, "stop": [1, 3]},
        {"out": "late", "world": 2, "seconds": [None, 0]},
    ]
    file = folder / "jobs.json"
    file.write_text(json.dumps([job | {"out": str(folder / str(job["out"]))} for job in jobs]))
    command = [sys.executable, str(Path(__file__).with_name("launched.py")), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder)
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr
    return folder


def seen(folder: Path, out: str, world: int = 2) -> list[dict[str, Any]]:
    """What each process of the last training into `out` saw: so many there were."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{out}-seen-*.json"))]
    assert [one["world"] for one in found[:world]] == [world] * world
    return found[:world]


def close(folder: Path, a: str, b: str) -> bool:
    """Weights as they are evaluated, which are the average's, and logs."""
    one, two = (load_file(folder / name / "checkpoint/weights.safetensors") for name in (a, b))
    logs = [(folder / name / "checkpoint/training.csv").read_text().split() for name in (a, b)]
    numbers = [[float(x) for row in log[1:] for x in row.split(",")] for log in logs]
    assert one.keys() == two.keys() and logs[0][0] == logs[1][0] and len(logs[0]) == 5
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-3)
    return all(torch.allclose(one[name], two[name], rtol=1e-4, atol=2e-5) for name in one)


def test_two_processes_train_what_one_trains(folder: Path) -> None:
    seen(folder, "two")
    assert close(folder, "one", "two")


@pytest.mark.parametrize(("out", "world"), [("two-one", 1), ("one-two", 2)])
def test_another_number_goes_on(folder: Path, out: str, world: int) -> None:
    assert seen(folder, out, world)[0]["last"] == 20
    assert close(folder, "one", out)
