"""An installed copy of everything, whose files are edited as a user's editor would: what a process then does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
RUN = ("run", "--task", "cls", "--steps", "1", "--limit", "40")
EULER = "return z + h * v(z, _at(t, z))"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their entry points as `pip install --target` lays them; weights are linked."""
    from importlib.metadata import distribution

    site = tmp_path / "site"
    for folder in ("bench", "datasets", "methods", "reports", "symmflow"):
        without = shutil.ignore_patterns("checkpoints", "__pycache__")
        shutil.copytree(REPOSITORY / folder, site / "symmbench" / folder, ignore=without)
    (site / "symmbench" / "methods" / "checkpoints").symlink_to(REPOSITORY / "methods" / "checkpoints")
    facts = site / "symmbench-0.1.0.dist-info"
    facts.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        (facts / name).write_text(distribution("symmbench").read_text(name) or "")
    return site


@pytest.mark.slow
def test_what_an_edited_file_does(copy: Path, tmp_path: Path) -> None:
    def bench(*arguments: str, then: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        words = [sys.executable, "-m", "symmbench.bench", *arguments]
        shell: Any = ["bash", "-c", f'"$@" {then}', "bash", *words] if then else words
        return subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)

    def edit(name: str, before: str, after: str) -> None:
        path = copy / "symmbench" / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))

    first = bench(*RUN)
    assert first.returncode == 0 and "evaluated 40 samples" in first.stderr, first.stderr
    assert bench("baseline", "save", "b.zip").returncode == 0
    edit("symmflow/solvers.py", '"""z + h v(z, t)."""', '"""Euler\'s."""  # first order')
    edit("symmflow/train/loop.py", "import math\n", "import math\n\nCHANGED = 1\n")
    same = bench(*RUN)
    assert "nothing to evaluate: all 1 cells are in results" in same.stderr and "again:" not in same.stderr
    edit("symmflow/solvers.py", EULER, EULER.replace("h *", "0.8 * h *"))
    kept = bench(*RUN, "--keep-old")
    assert "!! figures of other code (symmflow/solvers.py changed: symmflow@1)" in kept.stdout
    assert "nothing to evaluate" in kept.stderr
    refused = bench("gate", "b.zip")
    assert refused.returncode == 2 and "(symmflow/solvers.py changed)" in refused.stderr
    again = bench(*RUN)
    assert "1 cell is evaluated again: symmflow/solvers.py changed." in again.stderr and again.returncode == 0
    assert bench("gate", "b.zip").returncode == 1
    assert bench("gate", "b.zip", then="| true; exit ${PIPESTATUS[0]}").returncode == 1
