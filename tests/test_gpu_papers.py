"""`make gpu-papers` on a small network and the CPU: what is left for a GPU is the size."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "benchmarks" / "papers.py"


@pytest.fixture(scope="module")
def papers() -> Any:
    spec = importlib.util.spec_from_file_location("papers", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["papers"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["papers"]


def test_a_step_and_a_synthesis_beside_their_estimates(papers: Any, tmp_path: Path) -> None:
    for name in ("train-checkpointed", "synthesize"):
        found = papers.measure(name, tmp_path, tiny=True, device="cpu")
        assert found["estimated_gib"] > 0.01 and found["seconds"] > 0 and found["peak_gib"] is None
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    assert (tmp_path / "train-checkpointed" / "checkpoint" / "weights.safetensors").is_file()
    papers.report(tmp_path)
    assert len(json.loads((tmp_path / "table.json").read_text())) == 2
    assert "| synthesize | cpu | 1 | 2 |" in (tmp_path / "table.md").read_text()


def test_fsdp_is_launched_by_accelerate(papers: Any, tmp_path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import launch_command_parser

    command = papers.launched("train-fsdp", ["--out", str(tmp_path)], "cuda")
    assert command[1:3] == ["-m", "accelerate.commands.launch"]
    read = launch_command_parser().parse_args(command[3:])
    assert load_config_from_file(read.config_file).distributed_type == "FSDP" and int(read.num_processes) >= 1
    assert read.training_script == str(SCRIPT.resolve())
    assert read.training_script_args == ["--out", str(tmp_path), "--measure", "train-fsdp"]
