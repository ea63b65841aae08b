"""Several processes: they compute what one computes, and what they save is whole for any other number of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

SHARDED = {"world": 2, "shard": True}
JOBS: list[dict[str, Any]] = [
    {"out": "one", "world": 1},
    {"out": "two-one", "world": 2, "steps": 3},
    {"out": "two-one", "world": 1},
    {"out": "one-two", "world": 1, "steps": 3},
    {"out": "one-two", "world": 2},
    {"out": "sharded-one", **SHARDED, "steps": 3},
    {"out": "sharded-one", "world": 1},
    {"out": "one-sharded", "world": 1, "steps": 3},
    {"out": "one-sharded", **SHARDED},
    {"out": "before-sharded", "world": 1, "steps": 3, "before": True},
    {"out": "before-sharded", **SHARDED},
    {"out": "half", "world": 2, "precision": "bf16"},
    {"out": "half-fsdp", "world": 2, "precision": "bf16", "fsdp": True},
    {"out": "clipped", "world": 1, "clip": 1e-7},
    {"out": "clipped-fsdp", "world": 2, "clip": 1e-7, "accumulate": 2, "fsdp": True},
    {"out": "stopped", "world": 2, "stop": [1, 2]},
    {"out": "late", "world": 2, "seconds": [None, 0]},
    {"out": "killed", **SHARDED, "steps": 3},
    {"out": "killed", **SHARDED, "die": [1, 0]},
    {"out": "killed", "world": 1},
]
"""Trained in this order, each into its folder: six steps, a state after the third."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of these have been trained, by processes that were forked from one."""
    folder = tmp_path_factory.mktemp("launched")
    (folder / "jobs.json").write_text(json.dumps([job | {"out": str(folder / job["out"])} for job in JOBS]))
    command = [sys.executable, str(Path(__file__).with_name("launched.py")), str(folder / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{folder / 'killed'}: process 1 terminated with signal SIGKILL"], done.stdout
    return folder


def seen(folder: Path, out: str, world: int) -> list[dict[str, Any]]:
    """What each process of the last training into `out` saw: so many there were."""
    found = [json.loads((folder / f"{out}-seen-{rank}.json").read_text()) for rank in range(world)]
    assert [one["world"] for one in found] == [world] * world
    return found


def weights(folder: Path, out: str) -> dict[str, torch.Tensor]:
    """Those that are evaluated: the moving average."""
    return load_file(folder / out / "checkpoint/weights.safetensors")


@pytest.mark.parametrize(
    ("out", "world"),
    [("two-one", 1), ("one-two", 2), ("sharded-one", 1), ("one-sharded", 2), ("before-sharded", 2), ("killed", 1)],
)
def test_any_number_of_processes_trains_what_one_trains(folder: Path, out: str, world: int) -> None:
    """Half the steps on one number, half on another; the average's weights and the log's means over all samples."""
    assert [(rank["first"], rank["last"]) for rank in seen(folder, out, world)] == [(4, 6)] * world
    one, other = weights(folder, "one"), weights(folder, out)
    assert one.keys() == other.keys() and all(torch.allclose(one[n], other[n], rtol=0, atol=1e-6) for n in one)
    logs = [(folder / name / "checkpoint/training.csv").read_text().splitlines() for name in ("one", out)]
    assert logs[0][0] == logs[1][0] and len(logs[0]) == len(logs[1]) == 3
    for a, b in zip(logs[0][1:], logs[1][1:], strict=True):
        assert [float(x) for x in a.split(",")] == pytest.approx([float(x) for x in b.split(",")], rel=1e-4)


def test_a_sharded_state_is_a_piece_a_process_and_its_average_whole(folder: Path) -> None:
    """Half of every parameter on each; in the state half of the numbers in each file, put together those of one."""
    for one in seen(folder, "one-sharded", 2):
        assert one["sharded"] and 2 * one["here"] == one["whole"]
    (state,) = (folder / "one-sharded/state").iterdir()
    files = sorted(state.glob("*.safetensors"))
    assert len(files) == 2
    pieces = [load_file(file) for file in files]
    averages = [{n: v for n, v in piece.items() if n.startswith("average.")} for piece in pieces]
    whole = weights(folder, "one")
    assert {n.removeprefix("average.") for n in averages[0]} == whole.keys()
    for name, value in whole.items():
        halves = [one[f"average.{name}"] for one in averages]
        assert torch.allclose(torch.cat(halves), value, rtol=0, atol=1e-6)
        assert [len(half) for half in halves] == [len(value) // 2] * 2


def test_fsdp_through_accelerate_trains_what_ddp_trains_in_bf16_too(folder: Path) -> None:
    """Neither the time nor the sums of gradients are rounded to bf16."""
    assert [[rank["pieces"] for rank in seen(folder, out, 2)] for out in ("half", "half-fsdp")] == [
        [False] * 2,
        [True] * 2,
    ]
    one, other, full = (weights(folder, out) for out in ("half", "half-fsdp", "one"))
    assert all(torch.allclose(one[n], other[n], rtol=0, atol=1e-6) for n in one)
    assert not all(torch.allclose(one[n], full[n], rtol=0, atol=1e-6) for n in one)


def test_fsdp_clips_the_gradient_of_the_whole_batch_however_it_is_split(folder: Path) -> None:
    """Two batches of one image on each of two, against one of four; so small that AdamW's epsilon feels the clip."""
    assert [rank["pieces"] for rank in seen(folder, "clipped-fsdp", 2)] == [True] * 2
    one, other, free = (weights(folder, out) for out in ("clipped", "clipped-fsdp", "one"))
    assert all(torch.allclose(one[n], other[n], rtol=0, atol=1e-6) for n in one)
    assert max(float((one[n] - free[n]).abs().max()) for n in one) > 1e-4


def test_a_signal_to_one_stops_all_after_the_same_step(folder: Path) -> None:
    found = seen(folder, "stopped", 2)
    assert {(one["last"], one["stopped"]) for one in found} == {
        (2, "stopped after step 2; started again, it goes on from there")
    }
    assert [path.name for path in (folder / "stopped/state").iterdir()] == ["step-000002"]


def test_time_that_is_up_for_one_is_up_for_all(folder: Path) -> None:
    assert [one["last"] for one in seen(folder, "late", 2)] == [1, 1]
    assert json.loads((folder / "late/checkpoint/checkpoint.json").read_text())["trained_steps"] == 1


def test_a_process_killed_while_it_writes_leaves_the_state_before_and_nothing_else(folder: Path) -> None:
    """The second of two, by SIGKILL, at its piece of step 6; one process went on from step 3."""
    assert seen(folder, "killed", 1)[0]["first"] == 4
    assert [path.name for path in (folder / "killed/state").iterdir()] == ["step-000006"]
    assert sorted(path.name for path in (folder / "killed").iterdir()) == ["checkpoint", "state"]
