"""Shared by all tests: one thread count, no network, small trained models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


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


@pytest.fixture
def real_mnist() -> Path:
    """The real MNIST files, where $SYMMBENCH_TEST_MNIST says that they lie."""
    folder = os.environ.get("SYMMBENCH_TEST_MNIST")
    if not folder:
        pytest.skip("$SYMMBENCH_TEST_MNIST does not name a folder with the real MNIST files")
    return Path(folder)


@pytest.fixture(scope="session")
def untrained_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of `symmflow` for digit-scenes with random weights: cheap, and wrong everywhere."""
    import torch

    from symmbench import datasets, methods
    from symmbench.symmflow.checkpoint import save_checkpoint

    recipe = methods.recipe("digit-scenes/symmflow", {"network.channels": 16})
    torch.manual_seed(0)
    network = methods.method("symmflow").network(recipe, datasets.card("digit-scenes"))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    folder = tmp_path_factory.mktemp("untrained") / "checkpoint"
    save_checkpoint(folder, network.state_dict(), recipe, "step,loss\n", trained_steps=0)
    return folder


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
