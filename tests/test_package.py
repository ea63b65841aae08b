"""The package as others get it: the wheel, the README's example, the Makefile."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def run(arguments: list[str], folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "2"} | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_wheel_carries_everything_and_runs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    ).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    for name in files:  # a copy, so that building leaves nothing in the checkout
        if (REPOSITORY / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((REPOSITORY / name).read_bytes())
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*pip, "--target", str(site), str(source)], tmp_path)
    assert sorted(p.name for p in site.iterdir() if p.suffix != ".dist-info" and p.name != "bin") == ["symmbench"]
    assert all(
        (site / "symmbench" / part / "py.typed").is_file()
        for part in ("bench", "methods", "datasets", "reports", "symmflow")
    )
    where = "import symmbench.bench.cli as c; print(c.__file__)"
    assert run([sys.executable, "-c", where], tmp_path, site).stdout.startswith(str(site))
    bench = [sys.executable, "-m", "symmbench.bench"]
    assert "mnist/symmflow" in run([*bench, "list", "recipes", "--json"], tmp_path, site).stdout
    done = run([*bench, "run", "-t", "cls", "-d", "two-spirals", "--steps", "1,50", "--limit", "50"], tmp_path, site)
    assert "82.0" in done.stdout  # the paper's figure: published.csv is there


def blocks(language: str, heading: str) -> list[str]:
    text = (REPOSITORY / "README.md").read_text()
    section = text.split(f"## {heading}")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL)


def test_the_readmes_method_can_be_added_trained_and_run(tmp_path: Path) -> None:
    code, (recipe, project) = blocks("python", "Add a method")[0], blocks("toml", "Add a method")
    assert len(code.strip().splitlines()) <= 30
    (tmp_path / "linear.py").write_text(code)
    (tmp_path / "linear.toml").write_text(recipe)
    (tmp_path / "pyproject.toml").write_text(project)
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*pip, "--target", str(site), str(tmp_path)], tmp_path)
    bench = [sys.executable, "-m", "symmbench.bench"]
    assert '"linear"' in run([*bench, "list", "methods", "--json"], tmp_path, site).stdout
    run([*bench, "train", "--recipe", "linear.toml", "--out", "runs/linear"], tmp_path, site)
    done = run([*bench, "run", "-m", "linear", "-t", "cls", "--checkpoint", "runs/linear", "--json"], tmp_path, site)
    import json

    (record,) = json.loads(done.stdout)
    assert record["metrics"]["accuracy"]["value"] > 0.85 and record["nfe"] == 1


def test_a_third_party_package_is_found_trained_checked_and_run(tmp_path: Path) -> None:
    import json
    import shutil

    source, site = tmp_path / "prototype", tmp_path / "site"
    shutil.copytree(REPOSITORY / "tests" / "fixtures" / "prototype", source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*pip, "--target", str(site), str(source)], tmp_path)
    bench, given = [sys.executable, "-m", "symmbench.bench"], ["--checkpoint", "runs/prototype", "-d", "digits"]
    run([*bench, "train", "--recipe", "prototype/prototype.toml", "--out", "runs/prototype"], tmp_path, site)
    checks = json.loads(run([*bench, "check", "prototype", *given, "--json"], tmp_path, site).stdout)["digits"]
    assert {c["task"] for c in checks if c["ok"]} == {"cls", "ss", "sis"} and not [
        c for c in checks if c["ok"] is False
    ]
    asked = ["-t", "cls,sis", "--set", "spread=0.4", "--samples-per-mask", "2", "--limit", "60", "--json"]
    records = json.loads(run([*bench, "run", "-m", "prototype", *given, *asked], tmp_path, site).stdout)
    classified, synthesized = records
    assert classified["metrics"]["accuracy"]["value"] > 0.8 and classified["nfe"] == 10
    assert synthesized["options"] == {"spread": 0.4} and synthesized["nfe"] == 1
    assert synthesized["metrics"]["feature_diversity[digits-cnn]"]["value"] > 0


def test_the_readme_shows_only_options_that_exist() -> None:
    text = (REPOSITORY / "README.md").read_text()
    used = set(
        re.findall(
            r"(?<=\s)--[a-z][a-z-]+", "\n".join(re.findall(r"```(?:console|bash)\n(.*?)```", text, flags=re.DOTALL))
        )
    )
    known = "".join(
        subprocess.run(
            [sys.executable, "-m", "symmbench.bench", c, "--help"],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        ).stdout
        for c in ("run", "train", "sample", "compare", "check", "gate", "list")
    )
    assert used and all(option in known for option in used), sorted(o for o in used if o not in known)


def test_the_makefile_explains_itself() -> None:
    done = run(["make", "-s", "help"], REPOSITORY)
    for target in ("demo", "test", "check", "pretrained", "gpu-test", "gpu-pretrained"):
        assert re.search(rf"^{target}\s+\w", done.stdout, flags=re.MULTILINE)


def test_arrows_between_the_folders_run_one_way() -> None:
    """symmflow knows nobody; datasets knows symmflow; methods knows both; nothing below the harness knows it."""
    below = {"symmflow": set(), "datasets": {"symmflow"}, "methods": {"symmflow", "datasets"}}
    for folder, allowed in below.items():
        for file in (REPOSITORY / folder).rglob("*.py"):
            for other in re.findall(r"^\s*from \.\.(\w+)", file.read_text(), flags=re.MULTILINE):
                assert other in allowed, f"{file} imports {other}"
