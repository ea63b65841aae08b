"""`bench list`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("kind", ["methods", "datasets", "recipes", "metrics", "baselines"])
def test_lists(bench: Any, kind: str) -> None:
    assert len(json.loads(bench("list", kind, "--json").stdout)) >= 3
    assert bench("list", kind).returncode == 0


def test_who_can_do_what_is_as_the_readme_says(bench: Any, repository: Path) -> None:
    rows = json.loads(bench("list", "support", "--json").stdout)
    readme = (repository / "README.md").read_text()
    for row in rows:
        if row["method"] != "mmseg":  # says nothing where mmsegmentation is not installed
            assert f"| {' | '.join(row.values())} |" in readme
    assert {row["method"]: row["ss"] for row in rows}["dsm"] == "5, 25"
    assert {row["method"]: row["cls"] for row in rows}["diffusion-classifier"] == "25"


def test_protocols_are_listed_field_by_field(bench: Any) -> None:
    rows = {row["field"]: row for row in json.loads(bench("list", "protocols", "--json").stdout)}
    assert rows["background"] == {
        "field": "background",
        "harness": "counted",
        "symmflow-official": "ignored",
        "semflow-official": "counted",
        "sdm": "counted",
    }
    assert rows["samples_per_label"]["sdm"] == 10 and "StarGAN" in rows["departs"]["sdm"]
