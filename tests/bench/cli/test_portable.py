"""What the command line says of published models and of exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from symmbench import methods
from symmbench.bench import api


def test_published_models_are_listed_with_their_mirrors(bench: Any) -> None:
    done = bench("list", "hub", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["sd15"]["gone"] == ["runwayml/stable-diffusion-v1-5"] and len(rows["sd15"]["repositories"]) == 3
    assert len(rows["sd15"]["commits"][0]) == 40 and rows["sd15"]["commits"][1:] == ["not pinned"] * 2
    used = {methods.recipe(name).latents.weights for name in methods.recipe_names()} - {None}
    assert used <= set(rows)
    assert rows["taef2"]["repositories"] == ["github.com/madebyollin/taesd"], "another place than the hub"


def test_export_says_where_and_refuses_a_folder_of_other_files(bench: Any, tmp_path: Path) -> None:
    checkpoint = str(methods.bundled("digits")["symmflow"])
    done = bench("export", checkpoint, "--out", "made")
    assert (done.returncode, done.stdout) == (0, "made\n")
    assert bench("export", checkpoint, "--out", "made").returncode == 0  # an export may be made anew
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.tex").write_text("x")
    done = bench("export", checkpoint, "--out", "own")
    assert done.returncode == 2 and "own holds other files; choose another --out" in done.stderr
    assert (own / "thesis.tex").read_text() == "x"
    again = api.import_checkpoint(tmp_path / "made", out=tmp_path / "again")
    assert again.manifest["data"]["name"] == "digits" and again.recipe == methods.recipe("digits/symmflow")
