"""Where a record comes from: commit, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

OWN = "symmbench"
PACKAGES = (
    OWN,
    "torch",
    "torchvision",
    "diffusers",
    "torchdiffeq",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
    "clean-fid",
    "lpips",
    "transformers",
    "onedl-mmsegmentation",
    "onedl-mmengine",
    "onedl-mmcv",
)


def collect(device: str) -> dict[str, Any]:
    """Everything that may explain a difference between two runs."""
    import torch

    facts: dict[str, Any] = {
        "command": " ".join(sys.argv),
        "commit": commit(),
        "packages": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **machine(device),
        "load_average": round(os.getloadavg()[0], 2),
        "determinism": {
            "cudnn_deterministic": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
            "tf32_cudnn": torch.backends.cudnn.allow_tf32,
        },
    }
    if device.startswith("cuda"):
        facts["cuda"] = torch.version.cuda
    return facts


def machine(device: str) -> dict[str, Any]:
    """What of a machine decides its speed: processor, threads, GPU."""
    import torch

    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.startswith("cuda") else {}
    return {"cpu": _cpu(), "threads": torch.get_num_threads(), **gpu}


BESIDE = {"processes": "processes on its machine", "processes_on_gpu": "processes on its GPU"}
"""Of a launch, which slow each other down; facts that do not say are of one alone."""


def beside(facts: Mapping[str, Any]) -> dict[str, int]:
    """How many processes shared a machine and a GPU, 1 where facts do not say."""
    return {name: int(facts.get(name, 1)) for name in BESIDE}


def shared_by(facts: Mapping[str, Any]) -> list[str]:
    """The same in words; nothing of one alone."""
    return [f"{count} {BESIDE[name]}" for name, count in beside(facts).items() if count > 1]


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Of the packages that are installed here."""
    return {name: v for name in PACKAGES if (v := _version(name))}


def libraries() -> dict[str, str]:
    """Their versions without our own, of which the digests of code say more."""
    return {name: v for name, v in versions().items() if name != OWN}


def moved(facts: Mapping[str, Any]) -> list[str]:
    """The libraries that were of another version in these facts of a record: `torch 2.5.1 is now 2.6.0`."""
    before, now = facts.get("packages", {}), libraries()
    return [
        f"{name} {v} is now {now.get(name, 'gone')}" for name, v in before.items() if name != OWN and now.get(name) != v
    ]


@lru_cache(maxsize=1)
def commit() -> dict[str, Any] | None:
    """Commit of the source tree and whether it was changed since; None for an installed package."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        run = lambda *args: subprocess.run(  # noqa: E731
            ["git", "-C", str(here), *args], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
        return {"sha": run("rev-parse", "HEAD"), "dirty": bool(run("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
