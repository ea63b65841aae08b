"""`bench train`, and what is then done with its checkpoint."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file


def test_train_then_run_then_compare_then_sample(bench: Any, tmp_path: Path) -> None:
    small = ["--set", "network.channels=16", "--set", "train.batch=8"]
    done = bench("train", "--recipe", "digits/symmflow", "--max-steps", "3", *small, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "3 steps of 12000" in done.stdout
    folder = "runs/digits/symmflow"
    done = bench("run", "-t", "cls,sis", "-d", "digits", "--checkpoint", folder, "--steps", "1,2", "--limit", "30")
    assert done.returncode == 0 and "accuracy" in done.stdout, done.stderr
    done = bench("compare", "--format", "md", "--plot", "steps.png")
    assert done.returncode == 0 and re.search(r"\| symmflow \| 0\.\d\dM \| 2 \| 2 \|", done.stdout), done.stderr
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")
    done = bench("compare", "--task", "cls", "--json")
    assert [row["steps"] for row in json.loads(done.stdout)["tables"][0]["rows"]] == [1, 2]
    done = bench("sample", "-d", "digits", "--checkpoint", folder, "--steps", "1,2", "-n", "3", "-o", "s.png")
    assert done.returncode == 0 and (tmp_path / "s.png").stat().st_size > 1000, done.stderr


def test_two_processes_train_what_one_trains(bench: Any, bench_process: Any, tmp_path: Path) -> None:
    values = ("train.batch=16", "network.channels=16", "network.dropout=0.0", "train.precision=fp32")
    changed = [word for value in values for word in ("--set", value)]
    asked = ["train", "-r", "digits/symmflow", *changed, "--max-steps", "3", "--device", "cpu"]
    launch = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "symmbench.bench")
    done = bench_process(*asked, "-o", "two", launch=launch)
    assert done.returncode == 0, done.stderr
    assert bench(*asked, "-o", "one").returncode == 0
    assert json.loads((tmp_path / "two/checkpoint/checkpoint.json").read_text())["training"]["processes"] == 2
    one, two = (load_file(tmp_path / name / "checkpoint" / "weights.safetensors") for name in ("one", "two"))
    assert all((one[k].float() - two[k].float()).abs().max() < 1e-3 for k in one)


def test_real_mnist_trains_and_runs(bench: Any, real_mnist: Path) -> None:
    _train_and_run(bench, "mnist", ["--data-root", str(real_mnist)])


@pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(), reason="Debian's dataset-fashion-mnist is not installed"
)
def test_real_fashion_mnist_trains_and_runs(bench: Any) -> None:
    _train_and_run(bench, "fashion-mnist", [])


def _train_and_run(bench: Any, dataset: str, root: list[str]) -> None:
    """The papers' recipe on the real images; a smaller batch and fewer steps, for two cores."""
    small = ["--set", "train.batch=16", "--set", "train.accumulate=1"]
    done = bench("train", "--recipe", f"{dataset}/symmflow", "--max-steps", "2", *small, *root)
    assert done.returncode == 0, done.stderr
    chosen = ["-t", "cls,sis", "-d", dataset, "--checkpoint", f"runs/{dataset}/symmflow"]
    done = bench("run", *chosen, "--limit", "20", "--steps", "1", "--json", *root)
    assert done.returncode == 0, done.stderr
    assert [(r["task"], r["status"], r["n"]) for r in json.loads(done.stdout)] == [("cls", "ok", 20), ("sis", "ok", 20)]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_training_reads_the_environment_as_an_evaluation_does(bench: Any, dry: tuple[str, ...]) -> None:
    asked = ("train", "-r", "two-spirals/symmflow", "--device", "cpu", "--set", "network.channels=8", *dry)
    for wrong in ({"RANK": "foo", "WORLD_SIZE": "2"}, {"RANK": "2", "WORLD_SIZE": "2"}):
        done = bench(*asked, **wrong)
        assert done.returncode == 2 and "in the environment name no process of a launch" in done.stderr
    for left in ("1", "foo"):
        # of an earlier launch: no process of one
        done = bench(*asked, *(() if dry else ("--max-steps", "1")), RANK=left)
        assert done.returncode == 0 and "two-spirals/symmflow" in done.stdout, done.stderr
