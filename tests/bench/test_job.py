"""Jobs are data: written as JSON, opened elsewhere, the same evidence to the byte."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from math import prod
from pathlib import Path

import pytest

from symmbench import datasets, methods
from symmbench.bench.records import write_shard
from symmbench.bench.run.evaluate import Evaluator
from symmbench.bench.run.job import Job
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.datasets import idx
from symmbench.symmflow.checkpoint import save_checkpoint
from symmbench.symmflow.errors import InputError

ELSEWHERE = """
import sys
from pathlib import Path
from symmbench.bench.records import write_shard
from symmbench.bench.run.evaluate import Evaluator
from symmbench.bench.run.job import Job
job = Job.model_validate_json(Path(sys.argv[1]).read_text())
evaluator = Evaluator.open(job, "cpu", 16)
for steps, shard in evaluator.shard(0, tuple(cell.steps for cell in job.cells)).items():
    write_shard(Path(sys.argv[2]) / str(steps), 0, shard)
"""


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"methods": ["symmflow"], "tasks": ["cls"], "steps": [1, 2]}, marks=pytest.mark.slow),
        {"methods": ["semflow"], "tasks": ["sis"], "steps": [1], "samples_per_mask": 2, "options": {"beta": 3.0}},
        pytest.param({"methods": ["unet"], "tasks": ["ss"]}, marks=pytest.mark.slow),
    ],
)
def test_a_job_is_opened_in_another_process_and_gives_the_same_bytes(asked: dict, tmp_path: Path) -> None:  # type: ignore[type-arg]
    (job,) = plan(Request(**asked, limit=20)).jobs
    file = tmp_path / "job.json"
    file.write_text(job.model_dump_json())
    assert Job.model_validate_json(file.read_text()) == job
    here, there = tmp_path / "here", tmp_path / "there"
    evaluator = Evaluator.open(job, "cpu", 16)
    for steps, shard in evaluator.shard(0, tuple(cell.steps for cell in job.cells)).items():
        write_shard(here / str(steps), 0, shard)
    command = [sys.executable, "-c", ELSEWHERE, str(file), str(there)]
    subprocess.run(command, check=True, timeout=300, cwd=tmp_path)
    files = sorted(path.relative_to(here) for path in here.rglob("*.parquet"))
    assert files and files == sorted(path.relative_to(there) for path in there.rglob("*.parquet"))
    for name in files:
        assert (here / name).read_bytes() == (there / name).read_bytes(), name


def test_a_job_holds_no_sample() -> None:
    (job,) = plan(Request(tasks=["ss"], steps=[1])).jobs
    assert len(job.model_dump_json()) < 5_000


def test_a_job_whose_data_or_weights_have_changed_is_refused() -> None:
    (job,) = plan(Request(tasks=["cls"], steps=[1], limit=4)).jobs
    other = job.protocol.model_copy(update={"content_sha256": "0" * 64})
    with pytest.raises(InputError, match="digits test has changed since this was planned"):
        Evaluator.open(job.model_copy(update={"protocol": other}), "cpu")
    weights = job.made_of.model_copy(update={"fingerprint": "0" * 64})
    with pytest.raises(InputError, match="the checkpoint of symmflow has changed since this was planned"):
        Evaluator.open(job.model_copy(update={"made_of": weights}), "cpu")


@pytest.fixture
def made_up_mnist(tmp_path: Path) -> Path:
    """The four files of MNIST, black images of one class."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for split, count in datasets.card("mnist").splits.items():
        images, labels = idx.FILES[split]
        for name, shape in ((images, (count, 28, 28)), (labels, (count,))):
            head = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
            (folder / name).write_bytes(head + bytes(prod(shape)))
    return folder


@pytest.fixture
def untrained_mnist(tmp_path: Path) -> Path:
    recipe = methods.recipe("mnist/symmflow", {"network.channels": 8, "network.head_channels": 8})
    network = methods.method("symmflow").network(recipe, datasets.card("mnist"))
    save_checkpoint(tmp_path / "untrained", network.state_dict(), recipe, "step,loss\n", trained_steps=0)
    return tmp_path / "untrained"


def test_planning_many_cells_of_mnist_reads_no_image(
    made_up_mnist: Path, monkeypatch: pytest.MonkeyPatch, untrained_mnist: Path
) -> None:
    def decoded(*args: object) -> None:
        raise AssertionError("an image was read")

    asked = Request(
        tasks=["cls"],
        datasets=["mnist"],
        steps=list(range(1, 51)),
        seeds=[0, 1],
        data_root=made_up_mnist,
        checkpoint=str(untrained_mnist),
    )
    monkeypatch.setattr(idx, "_resize", decoded)
    (first, second) = plan(asked).jobs  # the bytes of the files are hashed once, and that is kept
    monkeypatch.setattr(idx, "read_idx", decoded)
    jobs = plan(asked).jobs
    assert sum(len(job.cells) for job in jobs) == 100 and jobs == [first, second]
    with pytest.raises(AssertionError, match="an image was read"):
        jobs[0].data()


def test_a_second_run_imports_no_torch(tmp_path: Path) -> None:
    code = """
import json, sys
from symmbench.bench.cli import main
try:
    main(["run", "--task", "cls", "--steps", "1", "--limit", "6"])
except SystemExit as end:
    print(json.dumps([end.code, "torch" in sys.modules]))
"""
    found = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        found.append(json.loads(done.stdout.strip().splitlines()[-1]))
    assert found == [[0, True], [0, False]]


def test_help_imports_neither_torch_nor_scipy(tmp_path: Path) -> None:
    code = """
import sys
from symmbench.bench.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
print(sorted({"torch", "scipy", "pandas", "diffusers"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stdout + done.stderr
