"""Shared by all tests: one thread count, no network, small trained models."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SHARED_MNIST = REPOSITORY.parent / "shared" / "data" / "mnist"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Caches in the test's own folder, so that nothing depends on what this machine has downloaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("SYMMBENCH_DATA", raising=False)
    monkeypatch.delenv("SYMMBENCH_WEIGHTS", raising=False)


Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The command line as a user runs it: another process, in an empty folder."""

    def run(*arguments: str, timeout: float = 300, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "symmbench.bench", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=timeout,
            **options,  # type: ignore[call-overload]
        )

    return run
