"""`bench report --paper`: theirs, ours, the difference, and for what is empty why and what would fill it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.main import get_command

from symmbench import datasets, methods
from symmbench.bench import api
from symmbench.bench.cli.app import app
from symmbench.bench.compare import papers
from symmbench.bench.protocols import rules
from symmbench.bench.records import CheckpointFacts, Figure
from symmbench.reports.papers import names, paper

SPIRALS: dict[str, Any] = {"tasks": "cls", "datasets": "two-spirals", "device": "cpu", "batch_size": 256}
OFFICIAL = {"name": "p", "hash": "o", "rules": "symmflow-official"}


@pytest.fixture(scope="module")
def spirals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper's own cell at one step over two seeds, and at two steps a cell of ten samples."""
    out = tmp_path_factory.mktemp("spirals")
    api.run(**SPIRALS, steps=1, seeds=[0, 1], out=out)
    api.run(**SPIRALS, steps=2, limit=10, out=out)
    return out


def slots(name: str, cells: Any = ()) -> dict[tuple[str, str], papers.Slot]:
    return {(slot.row.head, slot.column.head): slot for slot in papers.fill(paper(name), list(cells)).slots}


def test_what_is_the_papers_own_stands_apart_from_what_departs(bench: Any, spirals: Path) -> None:
    frame = pd.DataFrame(
        json.loads(bench("report", str(spirals), "--paper", "symmflow-table-1", "--format", "json").stdout)["rows"]
    )
    frame = frame.set_index("steps")
    records = [r for r in api.load(spirals).itertuples() if r.metric == "accuracy" and r.steps == 1]
    own = frame.loc[1]
    assert own["ours"] == pytest.approx(sum(r.value for r in records) / 2) and len(records) == 2
    assert own["difference"] == pytest.approx(own["ours"] - own["theirs"]) and own["theirs"] == 1.0
    assert own["low"] <= own["ours"] <= own["high"] and own[["departs", "command", "why"]].isna().all()
    assert frame.loc[2]["departs"] == "the first 10 samples alone" and frame.loc[2]["ours"] is not None
    run = f"bench run -m symmflow -d two-spirals -t cls --out {spirals}"
    for steps in (5, 10, 20, 50):
        assert frame.loc[steps]["why"] == "not measured" and pd.isna(frame.loc[steps]["ours"])
        assert frame.loc[steps]["command"] == f"{run} --steps {steps}"


def test_what_a_filter_leaves_out_is_not_called_unmeasured(bench: Any, spirals: Path) -> None:
    asked = ("report", str(spirals), "--paper", "symmflow-table-1", "--format", "json", "--steps")
    frame = pd.DataFrame(json.loads(bench(*asked, "1").stdout)["rows"]).set_index("steps")
    assert frame.loc[2]["why"] == "there is a cell, which the chosen filter leaves out"
    assert pd.isna(frame.loc[2]["command"])
    assert frame.loc[1]["ours"] > 0.9 and frame.loc[5]["why"] == "not measured"
    refused = bench(*asked, "7")
    assert refused.returncode == 2 and "no record has --steps 7; there are 1, 2" in refused.stderr


def test_a_reader_sees_lines_of_theirs_ours_and_the_difference(bench: Any, spirals: Path) -> None:
    done = bench("report", str(spirals), "--paper", "symmflow-table-1", COLUMNS="200")
    assert done.returncode == 0 and not done.stderr

    for what in ("here", "here, departing", "difference"):
        assert what in done.stdout
    assert "-t cls --out" in done.stdout and "--steps 5,10,20,50" in done.stdout
    assert "departs from the paper's own cell: the first 10 samples alone." in done.stdout
    md = bench("report", str(spirals), "--paper", "symmflow-table-1", "-o", "t.md")
    assert md.returncode == 0 and md.stdout == "t.md\n"


def test_the_page_has_the_tables_of_which_something_is_measured(spirals: Path, results: Any) -> None:
    said = api.report(spirals, form="html").content
    assert isinstance(said, str) and 'id="papers"' in said
    assert paper("symmflow-table-1").title in said and paper("symmflow-table-6").title not in said
    results.classifier("m", 100, 1)
    results.protocol("h")
    other = api.report(results.root, form="html").content
    assert isinstance(other, str) and 'id="papers"' not in other


def test_every_command_is_one_that_bench_takes() -> None:
    """Of an empty store: what `bench` would parse, with methods, data sets, protocols and recipes that there are."""
    group, seen = get_command(app), set()
    for name in names():
        found = slots(name)
        assert found and all(slot.why for slot in found.values())
        for slot in found.values():
            for command in slot.wanted.commands(slot.theirs.steps) if slot.wanted else ():
                bench, verb, *given = shlex.split(command)
                assert bench == "bench"
                said = group.commands[verb].make_context(verb, given).params  # type: ignore[attr-defined]
                seen.add(verb)
                if verb == "train":
                    assert said["recipe"] in methods.recipe_names()
                    continue
                assert said["methods"].partition(":")[0] in methods.names()
                assert said["datasets"] == slot.theirs.dataset in datasets.names()
                assert said["tasks"] == slot.theirs.task
                named = rules(said["protocol"])
                assert named.metrics is None or slot.theirs.metric in named.metrics[slot.theirs.task]
                assert (said["split"] or named.split.get(slot.theirs.task, "test")) == slot.theirs.split
                assert said["steps"] in (None, str(slot.theirs.steps))
    assert seen == {"run", "train"}


def test_another_protocol_another_recipe_and_a_failure_are_said(results: Any) -> None:
    facts: dict[str, Any] = {"dataset": "celebamask-hq", "split": "validation", "metrics": {"miou": Figure(value=0.6)}}
    at = ("SymmFlow, 25", "CelebAMask-HQ mIoU ↑")
    results.add("symmflow", "ss", results.confusion(0.6), **facts)
    assert slots("symmflow-table-2", results.cells)[at].why == "measured under another protocol: harness on validation"
    made = CheckpointFacts(
        name="x", sha256="", fingerprint="f", recipe="celebamask-hq/symmflow[official]", parameters=1
    )
    results.add("symmflow[official]", "ss", results.confusion(0.6), **facts, protocol=OFFICIAL, checkpoint=made)
    slot = slots("symmflow-table-2", results.cells)[at]
    assert slot.figure is not None and slot.difference == pytest.approx(0.6 - 0.693)
    assert slot.departs == ("recipe celebamask-hq/symmflow[official], not celebamask-hq/symmflow",) or slot.departs[1:]
    results.add(
        "outputs:spade", "sis", {}, **facts | {"metrics": {}, "steps": None, "status": "failed", "reason": "E: x"}
    )
    assert slots("symmflow-table-2", results.cells)["SPADE", "CelebAMask-HQ FID ↓"].why == "it failed: E: x"


def test_a_table_that_is_none_is_refused_and_no_store_is_an_empty_one(bench: Any) -> None:
    done = bench("report", "--paper", "table-2")
    assert (done.returncode, done.stdout) == (2, "") and all(name in done.stderr for name in names())
    assert bench("report", "--paper", "semflow-table-2").returncode == 0
    assert bench("report", "nowhere", "--paper", "semflow-table-2").returncode == 2
    assert "drop --sort" in bench("report", "--paper", "semflow-table-2", "--sort", "miou").stderr
    assert [row["paper"] for row in api.inventory("papers")] == names()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex on this machine")
@pytest.mark.parametrize("name", ["symmflow-table-2", "symmflow-table-1"])
def test_the_latex_compiles_and_fits_its_page(bench: Any, spirals: Path, tmp_path: Path, name: str) -> None:
    assert bench("report", str(spirals), "--paper", name, "-o", "t.tex").returncode == 0
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.search(r"Overfull \\hbox|Float too large", done.stdout), done.stdout
