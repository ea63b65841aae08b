"""The papers' recipes through the command line, on a tiny pipeline and drawn data: trained, killed and gone on with,
evaluated, exported and imported again."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from layouts import celebamask_hq, coco_stuff
from safetensors.torch import load_file
from tiny_sd import killed, save_pipeline, small
from torch import equal

DRAWN: dict[str, Callable[[Path], Path]] = {
    "celebamask-hq": celebamask_hq.merged,
    "coco-stuff": coco_stuff.official,
}
DOES = {"symmflow": {"ss": (1, 2, 5), "sis": (1, 2, 5)}, "semflow": {"ss": (1, 2, 5), "sis": (1, 2, 5)}}
DOES |= {"dsm": {"ss": (2, 5)}, "fm": {"sis": (1, 2, 5)}}
"""What each method does, at which of 1, 2 and 5 steps."""
SOMETIMES = pytest.mark.slow  # half of the grid says whether the path is open


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pipeline(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of every drawn data set."""
    return {name: draw(tmp_path_factory.mktemp(name)) for name, draw in DRAWN.items()}


@pytest.mark.parametrize(
    ("method", "dataset"),
    [
        ("symmflow", "celebamask-hq"),
        ("semflow", "coco-stuff"),
        ("dsm", "celebamask-hq"),
        ("fm", "coco-stuff"),
        *(pytest.param(m, "coco-stuff", marks=SOMETIMES) for m in ("symmflow", "dsm")),
        *(pytest.param(m, "celebamask-hq", marks=SOMETIMES) for m in ("semflow", "fm")),
    ],
)
def test_a_papers_recipe_goes_the_whole_path(
    method: str, dataset: str, pipeline: Path, data: dict[str, Path], tmp_path: Path, bench: Any
) -> None:
    def done(*arguments: str) -> str:
        found = bench(*arguments)
        assert found.returncode == 0, found.stderr
        return str(found.stdout)

    files = ("--data-root", str(data[dataset]), "--device", "cpu")
    training = ["train", "--recipe", f"{dataset}/{method}", *small(pipeline), *files, "--out"]

    # killed after two saved steps, gone on with, and once more in one go
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    assert killed([*training, str(cut)], at=3) == -signal.SIGKILL
    assert not (cut / "checkpoint").exists()
    assert "5 steps" in done(*training, str(cut)) and "5 steps" in done(*training, str(whole))
    one, other = (load_file(run / "checkpoint" / "weights.safetensors") for run in (cut, whole))
    assert one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    logs = [(run / "checkpoint" / "training.csv").read_text() for run in (cut, whole)]
    assert logs[0] == logs[1] and len(logs[0].splitlines()) == 6  # a row a step, those before the kill too

    # evaluated, at the steps that it does
    chosen = ("--method", method, *files, "--limit", "2", "--dataset")
    asked = ("run", *chosen, dataset, "--size", "64", "--task", "ss,sis", "--steps", "1,2,5", "--json")
    rows = json.loads(done(*asked, "--checkpoint", str(cut)))
    found = {(row["task"], row["steps"]) for row in rows if row["status"] == "ok"}
    assert found == {(task, n) for task, steps in DOES[method].items() for n in steps} and len(found) == len(rows)

    # out and in again: the same checkpoint, which makes the same masks and images to the bit
    done("export", str(cut), "--out", "exported", "--results", "results")
    said = done("import", "exported", "--out", "imported")
    assert f"--dataset {dataset}@64 --checkpoint imported" in said
    assert json.loads(done(*asked, "--checkpoint", "imported")) == rows
    for task in DOES[method]:
        outputs = []
        for checkpoint in ("cut", "imported"):
            out = f"{checkpoint}-{task}"
            outputs_of = ("sample", "--all", *chosen, f"{dataset}@64", "--task", task, "--steps", "5", "--out", out)
            done(*outputs_of, "--checkpoint", checkpoint)
            outputs.append({path.name: path.read_bytes() for path in (tmp_path / out).glob("*.png")})
        assert outputs[0] == outputs[1] and len(outputs[0]) == 2


@SOMETIMES
def test_what_saves_memory_or_time_gives_the_losses_of_the_plain_run(
    pipeline: Path, data: dict[str, Path], tmp_path: Path, bench: Any
) -> None:
    files = ("--data-root", str(data["celebamask-hq"]), "--device", "cpu", "--workers", "0")
    training = (
        "train",
        "--recipe",
        "celebamask-hq/symmflow",
        *small(pipeline),
        "--set",
        "train.precision=fp32",
        *files,
    )
    ways = {
        "plain": ("--no-cache-latents",),
        "checkpointed": ("--no-cache-latents", "--set", "train.gradient_checkpointing=true"),
        "cached": ("--cache-latents",),
    }
    logs = []
    for name, more in ways.items():
        done = bench(*training, *more, "--out", name)
        assert done.returncode == 0, done.stderr
        assert ("image latents are cached in" in done.stderr) == (name == "cached")
        logs.append(pd.read_csv(tmp_path / name / "checkpoint" / "training.csv"))
    assert len(logs[0]) == 5 and logs[0].loss.nunique() == 5
    for other in logs[1:]:
        pd.testing.assert_frame_equal(logs[0], other, rtol=1e-4)
