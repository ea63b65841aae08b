"""`bench compare` of what `bench run` made."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from symmbench.bench.records import CheckpointFacts, Cost, Figure

RUN = ("run", "-t", "cls", "-d", "two-spirals")


def test_compare_prints_the_papers_row(bench: Any) -> None:
    bench(*RUN, "--steps", "1,50")
    done = bench("compare", "--format", "md")
    rows = [line for line in done.stdout.splitlines() if line.startswith("| symmflow")]
    assert "| 100.0 |" in rows[0] and "| 82.0 |" in rows[1]


def test_the_papers_rows_stand_beside_ours_with_caveats(bench: Any) -> None:
    assert bench("run", "-t", "cls", "-d", "two-spirals", "--steps", "1,5").returncode == 0
    done = bench("compare", "--against", "published", "--json")
    rows = json.loads(done.stdout)["published"]
    assert [r["steps"] for r in rows] == [1, 2, 5, 10, 20, 50]
    assert rows[0]["value"] == 1.0 and rows[0]["ours"]["value"] > 0.9 and rows[1]["ours"] is None
    shown = bench("compare", "--against", "published").stdout
    assert "as published" in shown and "no difference is tested" in shown


def test_what_is_not_the_papers_own_stands_beside_it_with_its_reasons(bench: Any, results: Any) -> None:
    """A smaller network, trained for less; the figures of another method, and at other steps, stay empty."""
    small = CheckpointFacts(
        name="s", sha256="", fingerprint="s", recipe="mnist/symmflow[small]", parameters=770_000, trained_steps=20_000
    )
    for method in ("symmflow[small]", "semflow[small]"):
        results.classifier(method, 9, 5, dataset="mnist", checkpoint=small)
    done = bench("compare", str(results.root), "--against", "published", "--json")
    rows = {row["steps"]: row for row in json.loads(done.stdout)["published"]}
    assert rows[1]["ours"] is None and rows[1]["departs"] == []
    assert rows[5]["ours"]["value"] == 9 / 120 and rows[5]["ours_method"] == "symmflow[small]"
    assert "recipe mnist/symmflow[small], not mnist/symmflow" in rows[5]["departs"]
    said = " ".join(bench("compare", str(results.root), "--against", "published").stdout.split())
    assert (
        "symmflow[small] (0.77M parameters, trained for 20,000 steps) is not the paper's own: "
        "recipe mnist/symmflow[small], not mnist/symmflow." in said
    ), said


def test_compare_refuses_mixed_protocols_unless_told(bench: Any) -> None:
    for limit in ("40", "80"):
        assert bench("run", "-t", "cls", "-d", "digits", "--steps", "1", "--limit", limit).returncode == 0
    refused = bench("compare")
    assert refused.returncode == 2 and "They differ in n, ids_sha256" in refused.stderr
    assert "content_sha256" not in refused.stderr  # a limit takes other samples of the same content
    assert bench("compare", "--protocol", refused.stderr.partition("--protocol ")[2].split(",")[0]).returncode == 0
    stamped = bench("compare", "--allow-protocol-diff")
    assert stamped.returncode == 0 and "NOT COMPARABLE" in stamped.stdout


SIS = ("fid[digits-cnn]", "fid_infinity[digits-cnn]", "kid[digits-cnn]", "alignment_miou", "alignment_miou_real")


@pytest.fixture
def syntheses(results: Any) -> str:
    """A store of one method at three step counts, with all that a table of sis can hold; its folder."""
    for steps in (1, 5, 25):
        figures = {
            name: Figure(value=5 / steps, low=4.5 / steps, high=6 / steps, unit="distance", better="lower", covers="x")
            for name in SIS[:3]
        } | {name: Figure(value=0.7, low=0.685, high=0.713, covers="x") for name in SIS[3:]}
        cost = Cost(images_per_second=300 / steps, batch_size=64, device="cpu")
        results.add(
            "symmflow", "sis", results.predictions(9), steps=steps, nfe=steps, metrics=figures, cost=cost,
            absent={"lpips_gt": "AlexNet's weights are not on this machine (`bench data get lpips-alex`)"},
        )  # fmt: skip
    return str(results.root)


def test_the_widest_table_is_readable_at_80_columns(bench: Any, syntheses: str) -> None:
    """No line is longer, and every name and number of the records stands there whole, in its own row."""
    done = bench("compare", syntheses, "--task", "sis", COLUMNS="80")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and max(map(len, lines)) <= 80
    heads = [line for line in lines if line.startswith("method")]
    assert [name for name in SIS if re.search(rf" {re.escape(name)} [↑↓]", " ".join(heads))] == list(SIS)
    for steps in (1, 5, 25):
        rows = [" ".join(line.split()) for line in lines if re.match(rf"symmflow +{steps} ", line)]
        assert len(rows) == len(heads) == 2
        ours = " ".join(f"{value:.3f}" for value in (5 / steps, 4.5 / steps, 6 / steps))
        assert sum(row.translate(str.maketrans("", "", "[],")).count(ours) for row in rows) == 3
        assert sum(row.count("70.0 [68.5, 71.3]") for row in rows) == 2 and rows[0].endswith(f" {300 // steps}")


def test_a_pager_gets_tables_whole_and_a_pipe_obeys_columns(bench: Any, syntheses: str) -> None:
    wide = bench("compare", syntheses, "--wide", COLUMNS="40").stdout.splitlines()
    assert sum("method" in line for line in wide) == 1 and sum("symmflow" in line for line in wide) == 3
    assert sum("method" in line for line in bench("compare", syntheses).stdout.splitlines()) == 1
    assert max(map(len, bench("compare", syntheses, COLUMNS="60").stdout.splitlines())) <= 60


def test_columns_are_chosen_by_name_and_rows_stay_apart(bench: Any, syntheses: str) -> None:
    def heads(*columns: str) -> list[str]:
        lines = bench("compare", syntheses, "--columns", ",".join(columns), "--format", "md").stdout.splitlines()
        return lines[2].strip("| ").split(" | ")

    assert heads("nfe", "kid[digits-cnn]") == ["method", "steps", "NFE", "kid[digits-cnn] ↓"]
    assert heads("images/s", "steps") == ["method", "images/s", "steps"]
    done = bench("compare", syntheses, "--columns", "fid")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: unknown column 'fid'; choose one of: NFE, alignment_miou, alignment_miou_real, fid[digits-cnn], "
        "fid_infinity[digits-cnn], images/s, kid[digits-cnn], method, params, steps.\n"
    )


def test_tables_without_a_named_figure_are_left_out(bench: Any) -> None:
    bench("run", "--method", "cnn", "--task", "cls", "--limit", "8")
    bench("run", "--method", "unet", "--task", "ss", "--limit", "8")
    named = bench("compare", "--columns", "miou,steps").stdout
    assert "digit-scenes/ss" in named and "digits/cls" not in named
    both = bench("compare", "--columns", "images/s").stdout
    assert "digit-scenes/ss" in both and "digits/cls" in both


def test_a_papers_column_stands_beside_the_figure_that_it_is_of(bench: Any) -> None:
    bench(*RUN, "--steps", "1,50")
    lines = bench("compare", "--columns", "paper,NFE,accuracy", "--format", "md").stdout.splitlines()
    assert lines[2] == "| method | steps | NFE | accuracy ↑ | paper |"
