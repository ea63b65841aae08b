"""Shared by all tests: one thread a process, caches of their own, the command line, small models, other packages."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch: every core has a worker already

Done = subprocess.CompletedProcess[str]
Bench = Callable[..., Done]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not any(item.get_closest_marker("gpu") for item in items):
        return
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


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The command line in an empty folder, in this process; keywords are environment variables."""
    from symmbench.bench.cli import main

    def run(*arguments: str, **environment: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as here:
            here.chdir(tmp_path)
            here.setattr(sys, "argv", ["bench", *arguments])
            for name, value in environment.items():
                here.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main(arguments)
        code = ended.value.code
        assert isinstance(code, int)
        return Done(["bench", *arguments], code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def bench_process(tmp_path: Path) -> Bench:
    """The command line as a user starts it, for what only a process shows: signals, imports, installed packages."""

    def run(*arguments: str, launch: Sequence[str] = ("-m", "symmbench.bench"), **environment: str) -> Done:
        return subprocess.run(
            [sys.executable, *launch, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=300,
            env={**os.environ, **environment},
        )

    return run


WITHOUT_TORCH = """
import sys
from symmbench.bench.cli import main
try:
    main()
finally:
    assert "torch" not in sys.modules, "torch was imported"
"""


@pytest.fixture
def without_torch(bench_process: Bench) -> Bench:
    """The command line in a process that fails where torch was imported by its end."""

    def run(*arguments: str) -> Done:
        return bench_process(*arguments, launch=("-c", WITHOUT_TORCH))

    return run


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Another package, as if it were installed with its entry points: its module `theirs`, and names by group."""
    from symmbench.bench.judges.registry import _JUDGES
    from symmbench.bench.metrics.registry import _METRICS
    from symmbench.datasets.registry import _DATASETS

    def install(code: str, **groups: dict[str, str]) -> None:
        site = tmp_path / "site"
        facts = site / "theirs-1.0.dist-info"
        facts.mkdir(parents=True)
        (site / "theirs.py").write_text(code)
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        lines = [
            line
            for group, points in groups.items()
            for line in (f"[symmbench.{group}]", *(f"{name} = {value}" for name, value in points.items()))
        ]
        (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(site))
        for plugins in (_DATASETS, _JUDGES, _METRICS):  # each looks only once
            found = {point.name: point for point in entry_points(group=plugins.group)}
            monkeypatch.setitem(vars(plugins), "_points", found)

    yield install
    sys.modules.pop("theirs", None)


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
