"""A precision that a processor only emulates is said to be slow, where it would be used; whatever else stays silent."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from symmbench.bench.run.emulated import NOTABLE, emulated
from symmbench.symmflow.device import slowdown

TRAIN = ("train", "-r", "digits/cnn", "--device", "cpu", "--max-steps", "1", "--set", "train.batch=8")
FLAGS = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").exists() else set[str]()
BARE = platform.machine() == "x86_64" and not FLAGS & {"avx512f", "avx512_bf16", "amx_bf16", "avx_ne_convert"}
"""A processor that surely lacks the instructions."""


def convolution(dtype: torch.dtype) -> float:
    """Seconds of a small one, the least of some."""
    x, w = torch.randn(4, 8, 16, 16).to(dtype), torch.randn(8, 8, 3, 3).to(dtype)
    taken = []
    for _ in range(10):
        start = time.perf_counter()
        torch.nn.functional.conv2d(x, w, padding=1)
        taken.append(time.perf_counter() - start)
    return min(taken)


@pytest.mark.skipif(not BARE, reason="this processor may have the instructions of bf16")
def test_without_the_instructions_bf16_is_slower_as_convolutions_are_too() -> None:
    assert slowdown("cpu", "bf16") > NOTABLE and convolution(torch.bfloat16) > NOTABLE * convolution(torch.float32)


def test_fp32_and_gpus_are_never_slow() -> None:
    assert slowdown("cpu", "fp32") == slowdown("cuda:0", "bf16") == slowdown("cuda", "fp16") == 1.0
    assert emulated("auto", "fp32", "x") == emulated("cuda:99", "bf16", "x") == emulated("nothing", "bf16", "x") == ""


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_trainings_and_evaluations_say_so_once_with_what_helps(
    bench: Any, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """On a processor that would emulate: the measurement is tested above."""
    monkeypatch.setattr("symmbench.symmflow.device.slowdown", lambda device, asked: 1.0 if asked == "fp32" else 25.3)
    slow = "bf16 on this cpu takes about 25 times as long as fp32, as it is emulated; "
    count = int(precision == "bf16")
    train = (*TRAIN, "--set", f"train.precision={precision}")
    done = bench(*train)
    assert done.returncode == 0 and done.stderr.count(f"{slow}--set train.precision=fp32 is faster") == count
    assert bench(*train, "--dry-run").stdout.count(f"Mind: {slow}--set train.precision=fp32 is faster.\n") == count
    run = ("run", "-m", "cnn", "-t", "cls", "--limit", "8", "--device", "cpu", "--precision", precision)
    assert bench(*run).stderr.count(f"{slow}--precision fp32 is faster") == count
    assert "times as long" not in bench(*run).stderr  # nothing is evaluated
