"""Shared by all tests: one thread a process, caches of their own, the command line, small models, other packages."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch: every core has a worker already

TITLES = {"slow": "The tests that take long", "crash": "Dying at every write, rename and removal"}
STARTED = time.monotonic()
Done = subprocess.CompletedProcess[str]
Bench = Callable[..., Done]


def _beside(name: str) -> Any:
    """A module of this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_LOOPBACK = _beside("loopback")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--report", type=Path, help="Write what ran, and how long it took, to this Markdown file.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not any(item.get_closest_marker("gpu") for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not (path := config.getoption("--report")):
        return
    import psutil
    import torch

    stats, rows = terminalreporter.stats, []
    for outcome in ("passed", "failed", "error", "skipped"):
        for found in stats.get(outcome, ()):
            seconds = sum(r.duration for reports in stats.values() for r in reports if _of(r) == found.nodeid)
            why = f": {found.longrepr[2].removeprefix('Skipped: ')}" if outcome == "skipped" else ""
            more = "".join(f": {value} {name}" for name, value in getattr(found, "user_properties", ()))
            rows.append(f"| `{found.nodeid}` | {outcome}{more}{why} | {seconds:.0f} |")
    counts = ", ".join(f"{len(stats[o])} {o}" for o in ("passed", "failed", "error", "skipped") if stats.get(o))
    took = time.monotonic() - STARTED
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, no GPU"
    if torch.cuda.is_available():
        machine = machine.replace("no GPU", torch.cuda.get_device_name())
    path.write_text(
        f"# {TITLES.get(path.stem, 'Tests')}\n\n`make {path.stem}`, {datetime.now(UTC):%Y-%m-%d}, on {machine}, Python "
        f"{platform.python_version()}, PyTorch {torch.__version__}: {counts} in {took:.0f} s.\n\n"
        "| test | outcome | seconds |\n| --- | --- | ---: |\n" + "\n".join(rows) + "\n"
    )


def _of(report: Any) -> str | None:
    """The test that a report is of; warnings are of none."""
    return report.nodeid if isinstance(report, pytest.TestReport) else None


def _close(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Caches in a folder of the tests, so that nothing depends on what this machine has downloaded."""
    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    patch.setenv("TORCH_HOME", str(folder / "torch"))
    patch.delenv("SYMMBENCH_DATA", raising=False)
    patch.delenv("SYMMBENCH_WEIGHTS", raising=False)


@pytest.fixture(scope="session", autouse=True)
def _closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For what tests share."""
    with pytest.MonkeyPatch.context() as patch:
        _close(patch, tmp_path_factory.mktemp("caches"))
        yield


@pytest.fixture(autouse=True)
def _closed_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _close(monkeypatch, tmp_path)


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
            here.delenv("COLUMNS", raising=False)  # pytest's workers say 80
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
            env={**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, **environment},
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
    from symmbench.symmflow.plugins import points as registered

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
        registered.cache_clear()  # it looks only once

    yield install
    registered.cache_clear()
    sys.modules.pop("theirs", None)


@pytest.fixture(scope="session")
def dying() -> Any:
    """`tests/dying.py`."""
    return _beside("dying")


@pytest.fixture
def served() -> Iterator[Any]:
    """A server of files on this machine, a `Loopback`."""
    with _LOOPBACK.Loopback() as server:
        yield server


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A hub on this machine, a `Hub`, and an empty cache of what comes from it."""
    from huggingface_hub import close_session, constants

    close_session()  # the client keeps one open, with the proxies that there were when it was opened
    with _LOOPBACK.Hub() as server:
        url = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield server
        close_session()


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
