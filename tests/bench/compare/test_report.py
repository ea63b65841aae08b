"""What a gate shows people and machines: undecided, improved, advisory, strict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema

from symmbench.bench.cli import main
from symmbench.bench.code import Installed
from symmbench.bench.compare.floors import floor_of, read_floors
from symmbench.bench.compare.gate import gate
from symmbench.bench.compare.report import Report
from symmbench.bench.metrics import Floor
from symmbench.bench.records import Cost, Figure
from symmbench.reports import ci
from symmbench.symmflow.errors import InputError

ADVISORY = {"accuracy": Floor(absolute=0.01, tier="advisory")}


def add(results: Any, right: int, relative: tuple[float, ...] = (), **facts: Any) -> None:
    cost = Cost(batch_size=1, device="cpu", relative=list(relative)) if relative else None
    results.add(
        "m", "cls", results.predictions(right), metrics={"accuracy": Figure(value=right / 120)}, cost=cost, **facts
    )


def two(results: Any, before: int, after: int) -> tuple[list[Any], list[Any]]:
    for right in (before, after):
        add(results, right)
    return results.cells[-2:-1], results.cells[-1:]


def words(report: Report) -> dict[str, tuple[str, str]]:
    """By metric: what a reader sees, and its outcome in test reports."""
    return {c.metric: (c.status, c.outcome) for c in report.page().checks}


def test_an_advisory_regression_is_shown_and_does_not_fail(results: Any) -> None:
    base, ours = two(results, 110, 80)
    report = gate(base, ours, ADVISORY, strict=True)
    assert (report.verdict, report.exit_code) == ("pass", 0)
    assert words(report) == {"accuracy": ("regression (advisory)", "warning")}
    assert ci.summary(report.page()) == "pass: 1 regression (advisory)"
    lines = ci.to_github(report.page()).splitlines()
    assert lines[0].startswith("::warning title=regression (advisory)%3A d/cls m") and lines[1].startswith("::notice")
    assert gate(base, ours, {"accuracy": Floor(absolute=0.01)}).exit_code == 1


def test_an_advisory_metric_that_is_missing_does_not_fail(results: Any) -> None:
    base, ours = two(results, 110, 110)
    del ours[0].record.metrics["accuracy"]
    assert gate(base, ours, {}).exit_code == 2
    report = gate(base, ours, ADVISORY)
    assert report.exit_code == 0 and words(report) == {"accuracy": ("missing (advisory)", "warning")}
    assert gate(base, [], ADVISORY).exit_code == 2  # a whole cell is no metric's affair


def test_speed_is_advisory_by_default_and_critical_where_the_floors_say_so(results: Any, tmp_path: Path) -> None:
    for relative in ((1.2, 1.21, 1.19, 1.2), (1.8, 1.81, 1.79, 1.8)):
        add(results, 110, relative)
    base, ours = results.cells[:1], results.cells[1:]
    report = gate(base, ours, {})
    slow = report.checks[0]
    assert report.exit_code == 0 and words(report)["relative_time"] == ("regression (advisory)", "warning")
    assert slow.n == 4 and "+50.0%" in slow.said and "worse by more than 10.0%" in slow.said
    file = tmp_path / "floors.toml"
    file.write_text('[relative_time]\ntier = "critical"\n')
    assert gate(base, ours, read_floors(file)).exit_code == 1


def test_tiers_stand_in_the_floors_file(tmp_path: Path) -> None:
    file = tmp_path / "floors.toml"
    file.write_text(
        '[fid]\ntier = "advisory"\n[miou]\nabsolute = 0.02\ntier = "advisory"\n[relative_time]\nrelative = 0.3\n'
    )
    floors = read_floors(file)
    assert floor_of("fid[x]", floors) == Floor(relative=0.05, tier="advisory")  # the metric's own floor
    assert floor_of("miou", floors) == Floor(absolute=0.02, tier="advisory")
    assert floor_of("relative_time", floors) == Floor(relative=0.3, tier="advisory")  # the metric's own tier
    assert floor_of("accuracy", floors).tier == "critical"
    for text, said in (
        ('[fid]\ntier = "minor"', "the tier of fid is one of critical, advisory, not 'minor'"),
        ("fid = 3", "takes either"),
        ("[fid]\nabsolute = true", "takes either"),
        ("[fid]\nabsolute = inf", "takes either"),
        ("[fid]\nabsolute = 1\nrelative = 1", "takes either"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=said):
            read_floors(file)


def test_undecided_is_a_verdict_of_its_own_everywhere(results: Any) -> None:
    base, ours = two(results, 110, 108)
    report = gate(base, ours, {})
    page, strict = report.page(), gate(base, ours, {}, strict=True).page()
    assert (page.exit_code, strict.exit_code) == (0, 1)
    assert ci.summary(page) == ci.summary(strict) == "undecided: 1 undecided"
    schema = xmlschema.XMLSchema(Path(__file__).parents[2] / "fixtures" / "junit.xsd")
    for shown, kind in ((page, "skipped"), (strict, "failure")):
        schema.validate(ci.to_junit(shown))
        (suite,) = ElementTree.fromstring(ci.to_junit(shown))
        (found,) = suite.iter(kind)
        assert "samples would decide" in (found.get("message") or "")
        assert (suite.get("failures"), suite.get("skipped")) == (("0", "1") if kind == "skipped" else ("1", "0"))
    assert [line.partition(" ")[0] for line in ci.to_github(page).splitlines()] == ["::warning", "::warning"]
    assert [line.partition(" ")[0] for line in ci.to_github(strict).splitlines()] == ["::error", "::error"]
    (check,) = json.loads(ci.to_json(page))["checks"]
    assert (check["status"], check["tier"], check["n"]) == ("undecided", "critical", 120)
    assert check["decides"] > 120 and 0 < check["p"] <= 1 and json.loads(ci.to_json(page))["verdict"] == "undecided"
    assert "| undecided | d/cls m steps=25 seed=0 | accuracy |" in ci.to_markdown(page)


def test_improved_passes_and_says_so(results: Any) -> None:
    report = gate(*two(results, 80, 110), {})
    assert report.exit_code == 0 and words(report) == {"accuracy": ("improved", "pass")}
    assert "better by more than 1 point" in report.checks[0].said and "p <0.0001" in report.checks[0].said


def test_what_fails_comes_before_what_is_not_measured_and_undecided_after(results: Any) -> None:
    for steps, before, after in ((1, 110, 108), (5, 110, 108), (25, 110, 80)):
        for right in (before, after):
            add(results, right, steps=steps)
    base, ours = results.cells[::2], results.cells[1::2]
    assert gate(base, ours, {}).exit_code == 1
    lost = gate(base[:2], ours[:1], {}, strict=True)
    assert (lost.verdict, lost.exit_code) == ("not measured", 2)


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 1)])
def test_the_command(results: Any, tmp_path: Path, options: tuple[str, ...], code: int, capsys: Any) -> None:
    stores = [type(results)(tmp_path / name) for name in ("before", "after")]
    made_by = Installed().code(["symmbench.bench.metrics.classification"])  # a gate refuses results of other code
    for store, right in zip(stores, (110, 108), strict=True):
        add(store, right, outputs=made_by, scoring=made_by, created=store.root.name)
    with pytest.raises(SystemExit) as ended:
        main(["gate", str(stores[0].root), str(stores[1].root), *options])
    assert ended.value.code == code and "undecided: 1 undecided" in capsys.readouterr().out


def test_a_figure_of_which_no_interval_is_told_is_undecided_and_one_without_evidence_is_missing(results: Any) -> None:
    base, ours = two(results, 110, 108)
    for cell in (*base, *ours):
        (cell.folder / "evidence" / "samples-00000.parquet").unlink()
    assert gate(base, ours, {}).exit_code == 2
    untold = ours[0].record.metrics["accuracy"].model_copy(update={"covers": "too few images"})
    ours[0].record.metrics["accuracy"] = untold
    report = gate(base, ours, {})
    assert (report.verdict, report.exit_code, report.checks[0].decides) == ("undecided", 0, None)
    assert gate(base, ours, {}, strict=True).exit_code == 1


def test_the_readmes_floors_are_floors(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    (text,) = [part.split("```")[0] for part in readme.split("```toml\n") if part.startswith("# floors.toml")]
    (tmp_path / "floors.toml").write_text(text)
    assert read_floors(tmp_path / "floors.toml") == {
        "miou": Floor(absolute=0.02),
        "lpips_gt": Floor(absolute=0.01, tier="advisory"),
        "relative_time": Floor(relative=0.1, tier="critical"),
    }
