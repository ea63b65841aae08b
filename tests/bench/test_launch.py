"""The files that trainings on many processes are started with."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser
from accelerate.utils import DistributedType
from accelerate.utils.launch import prepare_multi_gpu_env

import symmbench.bench

WHERE = {
    **{"use_fsdp": True, "num_processes": 8, "num_machines": 1, "main_process_port": 0},
    **{"mixed_precision": "no", "dynamo_backend": "no"},
}
FOLDER = Path(symmbench.bench.__path__[0]) / "launch"


@pytest.mark.parametrize(
    ("name", "kind", "machines", "processes"),
    [
        ("one-node", DistributedType.MULTI_GPU, 1, 8),
        ("four-nodes", DistributedType.MULTI_GPU, 4, 32),
        ("fsdp", DistributedType.FSDP, 1, 8),
    ],
)
def test_accelerate_reads_them(name: str, kind: DistributedType, machines: int, processes: int) -> None:
    """By its own loader, which refuses keys that it does not know."""
    found = load_config_from_file(str(FOLDER / f"{name}.yaml"))
    assert (found.distributed_type, found.num_machines, found.num_processes) == (kind, machines, processes)
    assert found.mixed_precision == "no" and not found.use_cpu


def test_sharding_is_of_the_second_version() -> None:
    """What Accelerate tells the processes that it starts."""
    told = load_config_from_file(str(FOLDER / "fsdp.yaml")).fsdp_config
    known = vars(launch_command_parser().parse_args(["script"]))
    assert told.keys() <= known.keys()
    given = argparse.Namespace(**known | told | WHERE)
    env = prepare_multi_gpu_env(given)
    assert env["ACCELERATE_USE_FSDP"] == "true" and env["FSDP_VERSION"] == "2"
    assert env["FSDP_AUTO_WRAP_POLICY"] == "NO_WRAP" and env["FSDP_RESHARD_AFTER_FORWARD"] == "true"


def test_the_slurm_script_starts_a_process_group_over_all_machines(tmp_path: Path) -> None:
    """Run as Slurm would run it on the second of two machines, with `scontrol`, `srun` and `accelerate` that tell."""
    script = FOLDER / "slurm.sh"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    commands = {
        "scontrol": 'printf "node7\\nnode8\\n"',
        "srun": 'shift; export SLURM_NODEID=1; exec "$@"',
        "accelerate": 'printf "%s\\n" "$@"',
        "python": f'exec {sys.executable} "$@"',
    }
    for name, does in commands.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{does}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"SLURM_JOB_NODELIST": "node[7-8]", "SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "4"}
    done = subprocess.run(
        ["bash", str(script), "--recipe", "digits/cnn", "--out", "a folder"],
        env=os.environ | slurm | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    asked = done.stdout.splitlines()
    known = launch_command_parser().parse_args(asked[1:])
    assert asked[0] == "launch" and Path(known.config_file) == FOLDER / "four-nodes.yaml"
    assert (known.num_machines, known.num_processes, known.machine_rank) == (2, 8, 1)
    assert (known.main_process_ip, known.main_process_port) == ("node7", 29500)
    assert known.module and known.training_script == "symmbench.bench"
    assert known.training_script_args == [
        *("train", "--max-minutes", "1410", "--recipe", "digits/cnn", "--out", "a folder")
    ]
