"""`bench list`."""

from __future__ import annotations

import json
import re
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


@pytest.fixture
def store(results: Any) -> Any:
    """Cells of two tasks and methods; one of them failed, one without its evidence, one file that is no record."""
    for steps in (1, 25):
        results.classifier("symmflow", 100, steps)
    results.add("cnn", "cls", results.predictions(9), status="failed", steps=None, reason="Error: x")
    results.add("unet", "ss", results.predictions(9), steps=None, evidence="evidence-0-0",
                protocol={"name": "q", "hash": "0123456789abcdef", "rules": "sdm"})  # fmt: skip
    damaged = results.root / "d" / "cls" / "damaged"
    damaged.mkdir()
    (damaged / "record.json").write_text("{}")
    return results


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ((), "2013-"),
        (("--status", "ok"), "01"),
        (("--status", "failed,unfinished"), "23"),
        (("--status", "unreadable"), "-"),
        (("--method", "symmflow", "--steps", "25", "--status", "ok"), "1"),
        (("--task", "segment", "--status", "unfinished"), "3"),
        (("--task", "cls", "--status", "unfinished"), ""),
        (("--protocol", "sdm"), "3-"),
        (("--protocol", "0123"), "3-"),
        (("--dataset", "d", "--steps", "1"), "203-"),
    ],
)
def test_runs_are_chosen_as_compare_chooses_and_by_status(bench: Any, store: Any, asked: Any, keys: str) -> None:
    """What cannot be read may be of any cell; a method without steps is beside every step count."""
    done = bench("list", "runs", "--out", str(store.root), *asked, "--json")
    rows = json.loads(done.stdout)
    assert sorted(row["key"].replace("–", "-") for row in rows) == sorted(keys), done.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("runs", "--method", "symflow"), "unknown method 'symflow'; did you mean 'symmflow'?"),
        (("runs", "--steps", "3"), "no record has --steps 3; there are 1, 25."),
        (("runs", "--status", "done"), "unknown status 'done'; choose one of: failed, ok, unfinished, unreadable."),
        (("methods", "--status", "ok"), "and --status are for `runs`, not methods."),
    ],
)
def test_what_no_run_has_is_one_sentence(bench: Any, store: Any, asked: Any, said: str) -> None:
    done = bench("list", *asked, "--out", str(store.root))
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr and done.stderr.count("\n") == 1


def test_runs_are_a_line_each_and_say_what_a_narrow_terminal_leaves_out(bench: Any, store: Any) -> None:
    call = ("list", "runs", "--out", str(store.root))
    narrow, wide = (bench(*call, *more, COLUMNS=columns).stdout for more, columns in (((), "60"), (("--wide",), "60")))
    assert max(map(len, narrow.splitlines()[:-1])) <= 60 and "not shown for want of room: created" in narrow
    assert [len(re.findall(r"^ \d ", text, re.M)) for text in (narrow, wide)] == [4, 4]
    assert "created" in wide.splitlines()[1] and "unreadable: " in wide and str(store.root) in wide
    assert "created" in bench(*call, COLUMNS="30").stdout  # a block a row leaves nothing out
    assert bench(*call, "--task", "cls", "--status", "unfinished").stdout == "none.\n"
    assert bench(*call, "--status", "unreadable").stdout.startswith("unreadable: ")
