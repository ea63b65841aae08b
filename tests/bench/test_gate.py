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
from symmbench.bench.compare.difference import read_floors
from symmbench.bench.compare.gate import Report, gate
from symmbench.bench.records.record import Cost, Metric
from symmbench.reports import ci as gates
from symmbench.symmflow.errors import InputError


def cost(relative: float, spread: float = 0.01) -> Cost:
    values = relative * np.exp(np.random.default_rng(int(relative * 100)).normal(scale=spread, size=6))
    return Cost(batch_size=1, device="cpu", relative=values.tolist())


def add(results: Any, right: int, **facts: Any) -> None:
    facts.setdefault("metrics", {"accuracy": Metric(value=right / 120)})
    results.add("m", "cls", results.predictions(right), **facts)


def gated(base: list[Any], ours: list[Any]) -> Report:
    return gate(base, ours, read_floors())


def statuses(report: Report) -> dict[str, str]:
    return {c.metric: c.status for c in report.checks}


def test_the_same_results_pass(results: Any) -> None:
    add(results, 100, cost=cost(1.2))
    report = gated(results.stored, results.stored)
    assert report.exit_code == 0 and statuses(report) == {"accuracy": "pass", "relative_time": "pass"}


def test_a_real_loss_above_the_floor_fails_and_names_the_metric(results: Any) -> None:
    add(results, 110)
    add(results, 80)
    report = gated(results.stored[:1], results.stored[1:])
    assert report.exit_code == 1 and report.checks[0].metric == "accuracy"
    assert "66.67 %, was 91.67 %" in report.checks[0].said
    assert gated(results.stored[1:], results.stored[:1]).exit_code == 0  # better is no regression


def test_a_loss_below_the_floor_or_within_chance_passes(results: Any) -> None:
    add(results, 110)
    add(results, 108)  # two images of 120
    assert gated(results.stored[:1], results.stored[1:]).exit_code == 0
    add(results, 80)
    lenient = {"accuracy": read_floors()["accuracy"].__class__(absolute=0.5)}
    assert gate(results.stored[:1], results.stored[2:], lenient).exit_code == 0


def test_slower_code_fails_whatever_the_machine(results: Any) -> None:
    for relative in (1.2, 1.22, 1.8):
        add(results, 100, cost=cost(relative))
    assert gated(results.stored[:1], results.stored[1:2]).exit_code == 0
    report = gated(results.stored[:1], results.stored[2:])
    assert (
        report.exit_code == 1
        and report.checks[0].metric == "relative_time"
        and "times its network" in report.checks[0].said
    )


def test_missing_failed_extra_and_incomparable_cells_are_named(results: Any) -> None:
    add(results, 100)
    add(results, 100, steps=5)
    deleted = gated(results.stored, results.stored[:1])
    assert deleted.exit_code == 2 and [c.cell for c in deleted.checks if c.status == "missing"] == [
        "d/cls m steps=5 seed=0"
    ]
    extra = gated(results.stored[:1], results.stored)
    assert extra.exit_code == 0 and "extra" in statuses(extra).values()
    add(results, 100, status="failed", reason="Traceback\nValueError: broken")
    failed = gated(results.stored[:1], results.stored[2:])
    assert failed.exit_code == 2 and failed.checks[0].said == "ValueError: broken"
    add(results, 100, protocol={"name": "p", "hash": "other"})
    other = gated(results.stored[:1], results.stored[3:])
    assert other.exit_code == 3 and "another protocol" in other.checks[0].said
    with pytest.raises(InputError, match="holds no cell"):
        gated([], results.stored)


def test_the_fields_in_which_protocols_differ_are_named(results: Any, tmp_path: Path) -> None:
    add(results, 100)
    add(results, 100, protocol={"name": "p", "hash": "other"})
    (tmp_path / "protocols").mkdir()
    for name, n in (("h", 120), ("other", 60)):
        protocol = {"n": n, "policy": {"ignored": 255, "reference": name}, "same": 1}
        (tmp_path / "protocols" / f"{name}.json").write_text(json.dumps(protocol))
    report = gate(results.stored[:1], results.stored[1:], read_floors(), [tmp_path])
    assert "n, policy.reference" in report.checks[0].said


def test_a_baseline_file_is_small_repeatable_and_gates_like_its_folder(results: Any, tmp_path: Path) -> None:
    scored = results.predictions(110)
    scored["predictions"]["scores"] = [list(np.random.default_rng(i).normal(size=10)) for i in range(120)]
    results.add("m", "cls", scored, metrics={"accuracy": Metric(value=110 / 120), "top5": Metric(value=0.5)})
    counts = results.confusion(0.8)
    details = {"classes": ["x", "y"], "ignored_classes": []}
    results.add("m", "ss", counts, metrics={"miou": Metric(value=0.8)}, details=details)
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    assert baseline.save([results.root], first) == baseline.save([results.root], second) == 2
    assert first.read_bytes() == second.read_bytes() and first.stat().st_size < 20_000
    with baseline.opened(first) as (stored, _):
        report = gate(stored, results.stored, read_floors())
    assert report.exit_code == 0 and set(statuses(report)) == {"accuracy", "top5", "miou"}
    assert [c.difference for c in report.checks] == [c.difference for c in gated(results.stored, results.stored).checks]
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
    report = gated(results.stored, results.stored)
    assert report.exit_code == 2 and "already in the baseline" in report.checks[0].said
    add(results, 100)
    other = results.stored[1][0].checkpoint.model_copy(update={"fingerprint": "other"})
    add(results, 90, checkpoint=other)
    with pytest.raises(InputError, match="twice, of checkpoints m and other"):
        baseline.save([results.root], tmp_path / "b.zip")
    with pytest.raises(InputError, match="twice"):
        gated(results.stored[1:], results.stored[1:])


def test_a_short_run_beside_the_real_one_does_not_hide_it(results: Any) -> None:
    add(results, 100)
    add(results, 60, protocol={"name": "p", "hash": "short"}, created="2999-01-01")
    report = gated(results.stored[:1], results.stored)
    assert report.exit_code == 0 and [c.status for c in report.checks] == ["pass"]
    assert gated(results.stored, results.stored).exit_code == 0


def test_one_cell_without_evidence_does_not_hide_another(results: Any) -> None:
    add(results, 110)
    add(results, 110, steps=5)
    add(results, 80)
    add(results, 110, steps=5)
    next((results.stored[3][1] / "evidence").iterdir()).unlink()
    report = gated(results.stored[:2], results.stored[2:])
    assert report.exit_code == 1 and [c.status for c in report.checks] == ["regression", "missing"]


def test_a_speed_that_cannot_be_judged_is_named(results: Any) -> None:
    add(results, 100, cost=cost(1.2))
    add(results, 100, cost=cost(1.2).model_copy(update={"relative": [1.2]}))
    add(results, 100, cost=cost(1.2).model_copy(update={"device": "cuda:0"}))
    add(results, 100, cost=cost(1.2).model_copy(update={"batch_size": 7}))
    for stored, said in zip(results.stored[1:], ("fewer than three", "device: cuda", "size: 7, was 1"), strict=True):
        report = gated(results.stored[:1], [stored])
        assert report.exit_code == 0 and report.checks[0].status == "unjudged" and said in report.checks[0].said
        assert "1 unjudged" in gates.summary(report)


def test_reports_for_machines(results: Any) -> None:
    add(results, 110)
    add(results, 80)
    add(results, 80, steps=1)
    report = gated(results.stored[:1], results.stored[1:])
    schema = xmlschema.XMLSchema(Path(__file__).parents[1] / "fixtures" / "junit.xsd")
    schema.validate(gates.to_junit(report))
    suite = ElementTree.fromstring(gates.to_junit(report))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    (failure,) = suite.iter("failure")
    assert "was 91.67" in (failure.get("message") or "") and len(list(suite.iter("skipped"))) == 1
    lines = gates.to_github(report).splitlines()
    assert len(lines) == 3 and lines[0].startswith(
        "::error title=regression%3A d/cls m steps=25 seed=0 accuracy::66.67 %25"
    )
    assert lines[1].startswith("::notice title=extra") and lines[2].startswith(
        "::error title=symmbench gate::regression"
    )
    parsed = json.loads(gates.to_json(report))
    assert parsed["exit_code"] == 1 and parsed["checks"][0]["difference"]["high"] < 0
    assert gates.to_markdown(report).splitlines()[4].startswith("| regression | d/cls m steps=25 seed=0 | accuracy |")
    assert "worse by more than 1 points" in report.checks[0].said and "cover test images" in gates.to_markdown(report)
    add(results, 80, status="failed", reason="\x1b[31mred|or not")
    broken = gated(results.stored[:1], results.stored[3:])
    schema.validate(gates.to_junit(broken))
    assert "red\\|or not" in gates.to_markdown(broken)


def damaged(folder: Path) -> Path:
    """The bundled SymmFlow of digits with noise on its weights, as whole as a checkpoint can be."""
    import torch
    from safetensors.torch import load_file

    from symmbench import methods
    from symmbench.symmflow.checkpoint import save_checkpoint

    whole = methods.own_checkpoint("symmflow", "digits")
    weights = load_file(whole.path / "weights.safetensors")
    torch.manual_seed(0)
    noisy = {name: value + 0.05 * torch.randn(value.shape).to(value.dtype) for name, value in weights.items()}
    save_checkpoint(folder, noisy, whole.recipe, "step,loss\n", trained_steps=0)
    return folder


def test_a_damaged_checkpoint_another_protocol_and_a_lost_record(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    asked = ("run", "-t", "cls", "-d", "digits", "--steps", "1", "--limit", "150")
    assert bench(*asked).returncode == 0
    assert bench("baseline", "save", "baseline.zip").returncode == 0
    same = bench("gate", "baseline.zip")
    assert same.returncode == 0, same.stdout
    assert bench(*asked, "--checkpoint", str(damaged(tmp_path / "damaged")), "-o", "worse").returncode == 0
    worse = bench("gate", "baseline.zip", "worse", "--format", "github")
    assert worse.returncode == 1
    assert "::error title=regression%3A digits/cls symmflow steps=1 seed=0 accuracy::" in worse.stdout
    assert bench(*asked[:-1], "100", "-o", "other").returncode == 0
    other = bench("gate", "baseline.zip", "other")
    assert other.returncode == 3 and "these fields differ: n, ids_sha256, content_sha256" in " ".join(
        other.stdout.split()
    )
    (record,) = (tmp_path / "results").glob("digits/cls/*/record.json")
    record.unlink()
    assert bench(*asked[:3], "-d", "two-spirals", "--steps", "1", "--limit", "100").returncode == 0
    lost = bench("gate", "baseline.zip")
    assert lost.returncode == 2 and "the results have no such cell" in " ".join(lost.stdout.split())
