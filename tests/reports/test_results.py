"""What `reports/results/` holds: figures follow from their evidence, trainings from their recipes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from symmbench.bench.cli.app import app
from symmbench.bench.records import read_stored
from symmbench.bench.run.rescore import rescore
from symmbench.symmflow.recipe import read_recipe

ROOT = Path(__file__).parents[2] / "reports/results"
SCRIPTS = sorted(ROOT.glob("*/reproduce.sh"))
FOLDERS = sorted(folder.parent for folder in ROOT.rglob("protocols"))
"""Those with records."""


def test_there_are_results_and_they_are_small() -> None:
    assert FOLDERS
    assert sum(file.stat().st_size for file in ROOT.rglob("*") if file.is_file()) < 30e6


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_figure_follows_from_its_evidence(folder: Path) -> None:
    found = rescore([folder])
    assert found.made and not found.left
    assert not [one.folder.name for one in found.made if one.changed]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tables_are_printed_from_what_is_here(bench: Any, folder: Path) -> None:
    done = bench("compare", str(folder), COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert {one.record.method for one in read_stored([folder])} <= set(re.findall(r"\S+", done.stdout))


def parsed(line: list[str]) -> None:
    """Let every command along a line read its part of it. Raises an error of click's where it has no such option."""
    command, context = typer.main.get_command(app), None
    while True:
        context = command.make_context(line[0], list(line), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        _, command, line = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.parent.name)
def test_a_script_trains_by_every_recipe_beside_it_and_stops_in_time(script: Path, tmp_path: Path) -> None:
    """Called with a `bench` that only says what it was asked."""
    said, fake = tmp_path / "said", tmp_path / "bench"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    fake.chmod(0o755)

    def asked(**more: str) -> list[str]:
        said.write_text("")
        given = {**os.environ, "BENCH": str(fake), "RUNS": "runs", "OUT": str(tmp_path), **more}
        subprocess.run(["bash", script.name], cwd=script.parent, env=given, check=True, stdout=subprocess.DEVNULL)
        return said.read_text().splitlines()

    everything = asked()
    for line in everything:
        parsed(shlex.split(line))
    trainings = [line for line in everything if line.startswith("train ")]
    recipes, runs = (re.findall(rf"--{option} (\S+)", "\n".join(trainings)) for option in ("recipe", "out"))
    for path in (script.parent / "recipes").glob("*.toml"):
        assert f"reports/results/{script.parent.name}/recipes/{path.name}" in recipes
        read_recipe(path)
    used = set(re.findall(r" --(?:judge-)?checkpoint (\S+)", "\n".join(everything)))
    assert set(runs) <= used
    assert used - set(runs) <= {path.relative_to(ROOT.parents[1]).as_posix() for path in ROOT.glob("*/checkpoints/*")}
    assert everything[-1].startswith("report ") and not asked(MINUTES="0")
    assert len(hurried := asked(MINUTES="9")) == len(everything)
    assert all("--max-minutes" in line for line in hurried if line.startswith("train "))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_was_measured_was_trained_by_a_recipe_beside_it(folder: Path) -> None:
    recipes = map(read_recipe, ROOT.glob(f"{folder.relative_to(ROOT).parts[0]}/recipes/*.toml"))
    measured = {(one.record.checkpoint.recipe, one.record.checkpoint.recipe_hash) for one in read_stored([folder])}
    assert measured <= {(recipe.name, recipe.hash) for recipe in recipes}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_records_name_no_folder_of_a_machine(folder: Path) -> None:
    for path in folder.rglob("*.json"):
        assert not re.search(r'"(?:[^"]*[\s=])?/\w+/', path.read_text()), path
