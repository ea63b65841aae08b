"""`bench train` as torchrun starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_one_of_two_processes_speaks(tmp_path: Path) -> None:
    small = ("network.channels=8", "schedule.steps=4", "schedule.warmup=1", "train.batch=8")
    train = ("train", "-r", "two-spirals/symmflow", "--device", "cpu", "--json", "--out", "run")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
            *("-m", "symmbench.bench", *train, *(word for one in small for word in ("--set", one))),
        ],
        cwd=tmp_path,
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert manifest["training"]["processes"] == 2 and manifest["trained_steps"] == 4
    assert len(list((tmp_path / "run/state/step-000004").glob("*.safetensors"))) == 2
