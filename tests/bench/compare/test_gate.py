"""The gate on made-up cells: what fails, what does not, and what each exit code means."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import xmlschema

from symmbench.bench.compare import baseline
from symmbench.bench.compare.gate import gate
from symmbench.bench.compare.report import Report
from symmbench.bench.metrics import Floor
from symmbench.bench.records import Cost, Figure
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.reports import ci
from symmbench.symmflow.errors import InputError


def cost(relative: float, spread: float = 0.01) -> Cost:
    values = relative * np.exp(np.random.default_rng(int(relative * 100)).normal(scale=spread, size=6))
    return Cost(batch_size=1, device="cpu", relative=values.tolist())


def add(results: Any, right: int, **facts: Any) -> None:
    facts.setdefault("metrics", {"accuracy": Figure(value=right / 120)})
    results.add("m", "cls", results.predictions(right), **facts)


def gated(base: list[Any], ours: list[Any]) -> Report:
    return gate(base, ours, {})


def statuses(report: Report) -> dict[str, str]:
    return {c.metric: c.status for c in report.checks}


def test_the_same_results_pass(results: Any) -> None:
    add(results, 100, cost=cost(1.2))
    report = gated(results.cells, results.cells)
    assert report.exit_code == 0 and statuses(report) == {"accuracy": "pass", "relative_time": "pass"}


def test_a_real_loss_above_the_floor_fails_and_names_the_metric(results: Any) -> None:
    add(results, 110)
    add(results, 80)
    report = gated(results.cells[:1], results.cells[1:])
    assert report.exit_code == 1 and report.checks[0].metric == "accuracy"
    assert "66.67 %, was 91.67 %" in report.checks[0].said
    assert gated(results.cells[1:], results.cells[:1]).exit_code == 0  # better is no regression


def test_a_loss_below_the_floor_or_within_chance_passes(results: Any) -> None:
    add(results, 110)
    add(results, 108)  # two images of 120
    assert gated(results.cells[:1], results.cells[1:]).exit_code == 0
    add(results, 80)
    lenient = {"accuracy": Floor(absolute=0.5)}
    assert gate(results.cells[:1], results.cells[2:], lenient).exit_code == 0


def test_slower_code_fails_whatever_the_machine(results: Any) -> None:
    for relative in (1.2, 1.22, 1.8):
        add(results, 100, cost=cost(relative))
    assert gated(results.cells[:1], results.cells[1:2]).exit_code == 0
    assert gated(results.cells[:1], results.cells[2:]).exit_code == 0  # advisory, unless the floors say otherwise
    report = gate(results.cells[:1], results.cells[2:], {"relative_time": Floor(relative=0.1)})
    assert (
        report.exit_code == 1
        and report.checks[0].metric == "relative_time"
        and "times its network" in report.checks[0].said
    )


def test_missing_failed_extra_and_incomparable_cells_are_named(results: Any) -> None:
    add(results, 100)
    add(results, 100, steps=5)
    deleted = gated(results.cells, results.cells[:1])
    assert deleted.exit_code == 2 and [c.cell for c in deleted.checks if c.status == "missing"] == [
        "d/cls m steps=5 seed=0"
    ]
    extra = gated(results.cells[:1], results.cells)
    assert extra.exit_code == 0 and "extra" in statuses(extra).values()
    add(results, 100, status="failed", reason="Traceback\nValueError: broken")
    failed = gated(results.cells[:1], results.cells[2:])
    assert failed.exit_code == 2 and failed.checks[0].said == "ValueError: broken"
    add(results, 100, protocol={"name": "p", "hash": "other"})
    other = gated(results.cells[:1], results.cells[3:])
    assert other.exit_code == 3 and "another protocol" in other.checks[0].said
    with pytest.raises(InputError, match="holds no cell"):
        gated([], results.cells)


def test_the_fields_in_which_protocols_differ_are_named(results: Any) -> None:
    add(results, 100)
    add(results, 100, protocol={"name": "p", "hash": "other"})
    for name, n in (("h", 120), ("other", 60)):
        results.protocol(name, n=n, policy={"ignored": 255, "reference": name})
    report = gate(results.cells[:1], results.cells[1:], {})
    assert "n, policy.reference" in report.checks[0].said


def test_a_baseline_file_is_small_repeatable_and_gates_like_its_folder(results: Any, tmp_path: Path) -> None:
    scored = results.predictions(110)
    scored["samples"]["scores"] = [list(np.random.default_rng(i).normal(size=10)) for i in range(120)]
    results.add("m", "cls", scored, metrics={"accuracy": Figure(value=110 / 120), "top5": Figure(value=52 / 120)})
    counts = results.confusion(0.8)
    details = {"classes": ["x", "y"], "ignored_classes": []}
    table, area = counts["confusion"], 100 * results.n
    hit = table.loc[(table["truth"] == 1) & (table["prediction"] == 1), "pixels"].sum()
    miou = (hit / area + area / (2 * area - hit)) / 2
    results.add("m", "ss", counts, metrics={"miou": Figure(value=miou)}, details=details)
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    with pytest.raises(InputError, match=r"no protocols/h\.json lies beside the records"):
        baseline.save([results.root], first)
    (protocols := results.root / "protocols").mkdir(exist_ok=True)
    (protocols / "h.json").write_text(plan(Request(tasks=["cls"])).jobs[0].protocol.model_dump_json())
    assert baseline.save([results.root], first) == baseline.save([results.root], second) == 2
    assert first.read_bytes() == second.read_bytes() and first.stat().st_size < 20_000
    with baseline.opened(first) as kept:
        report = gate(kept, results.cells, {})
    assert report.exit_code == 0 and set(statuses(report)) == {"accuracy", "top5", "miou"}
    assert report == gated(results.cells, results.cells)
    whole = second.read_bytes()
    empty = zipfile.ZipFile(tmp_path / "empty.zip", "w")
    empty.close()
    for content, said in (
        (b"nothing", "is no baseline"),
        (whole[:200] + bytes(b ^ 255 for b in whole[200:400]) + whole[400:], "is no baseline"),
        ((tmp_path / "empty.zip").read_bytes(), "holds no cells"),
    ):
        first.write_bytes(content)
        with pytest.raises(InputError, match=said), baseline.opened(first):
            pass
    with pytest.raises(InputError, match="there is no baseline"), baseline.opened(tmp_path / "none.zip"):
        pass


def test_a_baseline_is_of_finished_cells_of_one_checkpoint(results: Any, tmp_path: Path) -> None:
    add(results, 100, status="failed", reason="ValueError: broken", metrics={})
    with pytest.raises(InputError, match="nothing to save"):
        baseline.save([results.root], tmp_path / "b.zip")
    report = gated(results.cells, results.cells)
    assert report.exit_code == 2 and "already in the baseline" in report.checks[0].said
    add(results, 100)
    other = results.cells[1].record.checkpoint.model_copy(update={"fingerprint": "other"})
    add(results, 90, checkpoint=other)
    with pytest.raises(InputError, match="twice, of checkpoints m and other"):
        baseline.save([results.root], tmp_path / "b.zip")
    with pytest.raises(InputError, match="twice"):
        gated(results.cells[1:], results.cells[1:])


def test_a_short_run_beside_the_real_one_does_not_hide_it(results: Any) -> None:
    add(results, 100)
    add(results, 60, protocol={"name": "p", "hash": "short"}, created="2999-01-01")
    report = gated(results.cells[:1], results.cells)
    assert report.exit_code == 0 and [c.status for c in report.checks] == ["pass"]
    assert gated(results.cells, results.cells).exit_code == 0


def test_one_cell_without_evidence_does_not_hide_another(results: Any) -> None:
    add(results, 110)
    add(results, 110, steps=5)
    add(results, 80)
    add(results, 110, steps=5)
    (results.cells[3].folder / "evidence" / "samples-00000.parquet").unlink()
    report = gated(results.cells[:2], results.cells[2:])
    assert report.exit_code == 1 and [c.status for c in report.checks] == ["regression", "missing"]


def test_a_speed_that_cannot_be_judged_is_named(results: Any) -> None:
    add(results, 100, cost=cost(1.2))
    add(results, 100, cost=cost(1.2).model_copy(update={"relative": [1.2]}))
    add(results, 100, cost=cost(1.2).model_copy(update={"device": "cuda:0"}))
    add(results, 100, cost=cost(1.2).model_copy(update={"batch_size": 7}))
    for cell, said in zip(results.cells[1:], ("fewer than three", "device: cuda", "size: 7, was 1"), strict=True):
        report = gated(results.cells[:1], [cell])
        assert report.exit_code == 0 and report.checks[0].status == "unjudged" and said in report.checks[0].said
        assert "1 unjudged" in ci.summary(report.page())


def test_reports_for_machines(results: Any, repository: Path) -> None:
    add(results, 110)
    add(results, 80)
    add(results, 80, steps=1)
    report = gated(results.cells[:1], results.cells[1:])
    schema = xmlschema.XMLSchema(repository / "tests" / "fixtures" / "junit.xsd")
    schema.validate(ci.to_junit(report.page()))
    suite = ElementTree.fromstring(ci.to_junit(report.page()))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    (failure,) = suite.iter("failure")
    assert "was 91.67" in (failure.get("message") or "") and len(list(suite.iter("skipped"))) == 1
    lines = ci.to_github(report.page()).splitlines()
    assert len(lines) == 3 and lines[0].startswith(
        "::error title=regression%3A d/cls m steps=25 seed=0 accuracy::66.67 %25"
    )
    assert lines[1].startswith("::notice title=extra") and lines[2].startswith(
        "::error title=symmbench gate::regression"
    )
    parsed = json.loads(ci.to_json(report.page()))
    assert parsed["exit_code"] == 1 and parsed["checks"][0]["difference"]["high"] < 0
    assert (
        ci.to_markdown(report.page()).splitlines()[4].startswith("| regression | d/cls m steps=25 seed=0 | accuracy |")
    )
    assert "worse by more than 1 point" in report.checks[0].said and "cover test images" in ci.to_markdown(
        report.page()
    )
    add(results, 80, status="failed", reason="\x1b[31mred|or not")
    broken = gated(results.cells[:1], results.cells[3:])
    schema.validate(ci.to_junit(broken.page()))
    assert "red\\|or not" in ci.to_markdown(broken.page())
