"""What other code made is made again: evaluated, or only scored; and nothing else is.

Code is changed as an editor would change it: the text of a file, as it is read, and what the file does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmbench.bench import api, metrics
from symmbench.bench.cli import main
from symmbench.bench.code import installed
from symmbench.bench.metrics.areas import Areas
from symmbench.bench.records import Store, provenance
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import Outcome, Progress, sweep
from symmbench.bench.tasks import sis
from symmbench.symmflow import pixels, solvers
from symmbench.symmflow.errors import InputError

evidence = import_module("symmbench.bench.tasks.task")  # the room has a function of that name
Edit = Callable[[str, str, str], None]
FUTURE, CHANGED = "from __future__ import annotations\n", "from __future__ import annotations\nCHANGED = 1\n"
EULER = "return z + h * v(z, _at(t, z))"


@pytest.fixture
def edit(monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Change the text of a file of ours: `edit("symmflow/solvers.py", before, after)`."""
    changes: dict[str, list[tuple[str, str]]] = {}

    def read(path: Path) -> bytes:
        text = path.read_text()
        for name, pairs in changes.items():
            if path.as_posix().endswith(name):
                for before, after in pairs:
                    assert before in text, (path, before)
                    text = text.replace(before, after)
        return text.encode()

    monkeypatch.setattr(installed, "read_file", read)
    return lambda name, before, after: changes.setdefault(name, []).append((before, after))


@pytest.fixture
def slowed(edit: Edit, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Damage the solver: Euler's steps are too short."""

    def damage() -> None:
        edit("symmflow/solvers.py", EULER, EULER.replace("h *", "0.8 * h *"))
        euler = solvers.euler
        monkeypatch.setitem(solvers._STEPS, "euler", lambda v, z, t, h: euler(v, z, t, 0.8 * h))

    return damage


def spirals(out: Path, **more: Any) -> Request:
    return Request(tasks=["cls"], datasets=["two-spirals"], steps=[1, 2], limit=100, out=out, **more)


def scenes(out: Path, task: str, **more: Any) -> Request:
    return Request(methods=["unet" if task == "ss" else "fm"], tasks=[task], steps=[1], limit=24, out=out, **more)


def run(request: Request) -> Outcome:
    return sweep(plan(request), request)


def test_every_record_keeps_the_code_of_its_outputs_and_of_its_scores(tmp_path: Path) -> None:
    one, two = run(spirals(tmp_path)).records
    assert one.outputs == two.outputs and one.scoring == two.scoring
    assert one.outputs.digest and one.outputs.files.keys() >= {
        "symmbench/symmflow/solvers.py", "symmbench/bench/run/evaluate.py", "symmbench/bench/tasks/cls.py",
    }  # fmt: skip
    assert "symmbench/bench/statistics/intervals.py" in one.scoring.files
    assert one.provenance["packages"]["torch"]
    read = Store(tmp_path).get(one.cell)
    assert read and (read.outputs, read.scoring) == (one.outputs, one.scoring)


def test_a_damaged_solver_is_evaluated_again_and_named_and_the_gate_fails(
    tmp_path: Path, slowed: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    out, kept, baseline = (tmp_path / name for name in ("r", "kept", "b.zip"))
    request = Request(tasks=["cls"], steps=[1], limit=40, out=out)
    before = run(request)
    again = run(request)
    assert again.evaluated == 0 and again.said == [] and again.records == before.records
    api.save_baseline(baseline, out)
    shutil.copytree(out, kept)
    slowed()
    old = sweep(plan(request), replace(request, out=kept, keep_old=True))
    assert old.evaluated == 0 and old.records == before.records
    assert gate(baseline, kept) == gate(baseline, out) == 2
    assert capsys.readouterr().err.count("is of other code than is installed (symmflow/solvers.py changed)") == 2
    found = run(request)
    assert found.said == ["1 cell is evaluated again: symmflow/solvers.py changed."]
    assert found.evaluated == 40 and found.reused == 0 and found.records[0].created > before.records[0].created
    assert found.records[0].metrics["accuracy"].value < before.records[0].metrics["accuracy"].value - 0.2
    assert gate(baseline, out) == 1 and "accuracy" in capsys.readouterr().out
    assert run(request).evaluated == 0 and not list(out.glob(".again/*/*/*"))


def gate(*paths: Path) -> int:
    """The exit code of `bench gate`."""
    with pytest.raises(SystemExit) as ended:
        main(["gate", *map(str, paths)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("symmflow/solvers.py", '"""z + h v(z, t)."""', '"""Euler\'s step."""  # of first order'),
        ("symmflow/train/loop.py", FUTURE, CHANGED),
        ("symmflow/objective.py", FUTURE, CHANGED),
        ("bench/run/training.py", FUTURE, CHANGED),
        ("reports/pictures.py", FUTURE, CHANGED),
        ("bench/tasks/ss.py", 'verb, dataset = "ss"', 'verb, dataset = "s"'),
        ("methods/semflow.py", FUTURE, CHANGED),
    ],
)
def test_a_changed_comment_docstring_trainer_or_page_evaluates_nothing(
    tmp_path: Path, edit: Edit, name: str, before: str, after: str
) -> None:
    request = spirals(tmp_path)
    run(request)
    edit(name, before, after)
    found = run(request)
    assert found.evaluated == found.rescored == 0 and found.said == []


def test_a_damaged_count_is_evaluated_again_and_damaged_areas_are_scored_again(
    tmp_path: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = scenes(tmp_path / "r", "ss")
    first = run(request).records[0]
    baseline = tmp_path / "b.zip"
    api.save_baseline(baseline, tmp_path / "r")
    edit("bench/metrics/areas.py", "np.add.at(hit, (image[same], truth[same]), count[same])", "pass")
    with monkeypatch.context() as patch:
        sparse = Areas.from_sparse.__func__  # type: ignore[attr-defined]

        def halved(cls: type[Areas], *args: Any, **more: Any) -> Areas:
            found = sparse(cls, *args, **more)
            return Areas(found.hit / 2, found.truth, found.predicted)

        patch.setattr(Areas, "from_sparse", classmethod(halved))
        with pytest.raises(InputError, match=r"of other code than is installed \(bench/metrics/areas.py changed\)"):
            api.gate(baseline, tmp_path / "r")
        with pytest.raises(InputError, match="`bench run` scores it again"):
            api.save_baseline(tmp_path / "c.zip", tmp_path / "r")
        scored = run(request)
        assert scored.said == ["1 cell is scored again from the evidence: bench/metrics/areas.py changed."]
        assert scored.evaluated == 0 and scored.rescored == scored.reused == 1
        (record,) = scored.records
        assert record.metrics["miou"].value < first.metrics["miou"].value - 0.2
        assert (record.created, record.outputs, record.cost) == (first.created, first.outputs, first.cost)
        assert api.gate(baseline, tmp_path / "r").exit_code == 1
        assert run(request).rescored == 0
    edit("bench/metrics/confusion.py", "preds.append(filled % k)", "preds.append((filled % k + 1) % k)")
    count = evidence.sparse_confusion

    def shifted(truth: Any, predicted: Any, k: int) -> Any:
        image, of_truth, of_prediction, pixels = count(truth, predicted, k)
        return image, of_truth, (of_prediction + 1) % k, pixels

    monkeypatch.setattr(evidence, "sparse_confusion", shifted)
    evaluated = run(request)
    assert evaluated.said == ["1 cell is evaluated again: bench/metrics/confusion.py changed."]
    assert evaluated.evaluated == 24 and api.gate(baseline, tmp_path / "r").exit_code == 1


def test_a_damaged_rounding_is_evaluated_again_with_its_real_images(
    tmp_path: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = scenes(tmp_path / "r", "sis")
    first = run(request).records[0]
    baseline = tmp_path / "b.zip"
    api.save_baseline(baseline, tmp_path / "r")
    edit("symmflow/pixels.py", "np.round(values)", "values // 128 * 128")
    rounded = pixels.to_uint8

    def coarse(*args: Any, **more: Any) -> Any:
        return rounded(*args, **more) // 128 * 128

    monkeypatch.setattr(sis, "to_uint8", coarse)
    found = run(request)
    assert found.said == ["1 cell is evaluated again: symmflow/pixels.py changed."] and found.evaluated == 24
    (record,) = found.records
    assert record.reference != first.reference and len(list((tmp_path / "r" / "protocols").glob("*-reference-*"))) == 2
    report = api.gate(baseline, tmp_path / "r")
    assert report.exit_code == 1 and "regression" in {c.status for c in report.checks if c.metric == "alignment_miou"}


def test_evidence_that_does_not_suffice_is_made_again(tmp_path: Path, edit: Edit) -> None:
    request = scenes(tmp_path, "ss")
    run(request)
    next(tmp_path.glob("*/*/*/evidence-*/confusion-*.parquet")).unlink()
    edit("bench/metrics/areas.py", "self.truth.sum(axis=0) > 0", "self.truth.sum(axis=0) >= 1")
    found = run(request)
    assert found.evaluated == 24 and found.rescored == found.reused == 0
    assert "1 cell is evaluated again: the evidence in" in found.said[1]


def test_keep_old_takes_what_is_there_and_stamps_its_tables(
    tmp_path: Path, slowed: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    request = spirals(tmp_path)
    before = run(request)
    slowed()
    kept = api.run(replace(request, keep_old=True))
    assert kept.evaluated == 0 and list(kept) == before.records and kept.said == []
    stamp = "figures of other code (symmflow/solvers.py changed: symmflow@1, symmflow@2)"
    assert [block.warning for block in kept.blocks()] == [stamp]
    compared = api.compare(tmp_path)
    assert compared.blocks[0].warning == stamp
    assert compared.tables[0].other_code == {"symmflow/solvers.py changed": ["symmflow@1", "symmflow@2"]}
    assert [block.warning for block in api.run(request).blocks()] == [""]


def test_records_of_before_there_were_digests_are_of_other_code(tmp_path: Path) -> None:
    request = spirals(tmp_path)
    run(request)
    for file in tmp_path.glob("*/*/*/record.json"):
        record = json.loads(file.read_text())
        file.write_text(json.dumps({k: v for k, v in record.items() if k not in ("outputs", "scoring", "reference")}))
    assert api.compare(tmp_path).blocks[0].warning.startswith("figures of other code (made before digests")
    found = run(request)
    assert found.said == ["2 cells are evaluated again: made before digests of code were kept."]


def test_other_versions_of_libraries_count_only_with_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = spirals(tmp_path)
    before = run(request).records[0].provenance["packages"]["torch"]
    here = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: here | {"torch": "99.0"})
    assert run(request).evaluated == 0
    (block,) = api.compare(tmp_path).blocks
    assert f"other libraries since: torch {before} is now 99.0 (symmflow@1, symmflow@2)." in block.notes
    found = run(replace(request, fresh=True))
    assert found.said == [f"2 cells are evaluated again: torch {before} is now 99.0."] and found.evaluated == 200
    assert run(replace(request, fresh=True)).evaluated == 0


def test_keeping_the_old_and_making_it_anew_exclude_each_other(tmp_path: Path) -> None:
    for flag in ("force", "fresh"):
        with pytest.raises(InputError, match=f"--keep-old keeps what --{flag} makes again; drop one"):
            plan(spirals(tmp_path, keep_old=True, **{flag: True}))


class Cut(Progress):
    """Stops after the first batches."""

    def advance(self, images: int) -> None:
        raise KeyboardInterrupt


def test_shards_of_other_code_are_not_gone_on_with(tmp_path: Path, slowed: Callable[[], None]) -> None:
    """An evaluation that was cut: its shards count for the code that made them, and for no other."""
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=300, out=tmp_path / "r")

    class Second(Progress):
        done = 0

        def advance(self, images: int) -> None:
            self.done += images
            if self.done > 256:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(plan(request), request, Second())
    (first,) = tmp_path.glob("r/*/*/*/evidence-*")
    assert (first / "samples-00000.parquet").is_file()
    slowed()
    found = run(request)
    assert found.evaluated == 300 and found.records[0].evidence != first.name and not first.exists()
    whole = run(replace(request, out=tmp_path / "whole"))
    assert found.records[0].metrics == whole.records[0].metrics


def test_old_figures_stay_until_there_are_new_ones(tmp_path: Path, slowed: Callable[[], None]) -> None:
    request = spirals(tmp_path)
    before = run(request).records
    slowed()
    with pytest.raises(KeyboardInterrupt):
        sweep(plan(request), request, Cut())
    assert [Store(tmp_path).get(r.cell) for r in before] == before


def test_code_that_fails_is_told_whatever_stood_there(
    tmp_path: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = spirals(tmp_path)
    before = run(request).records

    def broken(*args: Any, **more: Any) -> Any:
        raise RuntimeError("no step")

    with monkeypatch.context() as patch:
        edit("symmflow/solvers.py", EULER, "raise RuntimeError('no step')")
        patch.setitem(solvers._STEPS, "euler", broken)
        found = api.run(request)
        assert len(found.failed) == 2 and "no step" in found.failed[0].reason
    edit("bench/metrics/classification.py", FUTURE, CHANGED)
    edit("symmflow/solvers.py", "raise RuntimeError('no step')", EULER)  # as it was
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "score", broken)
        found = api.run(request)
        assert found.evaluated == 0 and len(found.failed) == 2 and "no step" in found.failed[0].reason
    found = api.run(request)
    assert found.rescored == 2 and not found.failed and [r.metrics for r in found] == [r.metrics for r in before]


def test_rescoring_keeps_the_code_that_scored(tmp_path: Path, edit: Edit) -> None:
    request = scenes(tmp_path, "ss")
    before = run(request).records[0]
    edit("bench/metrics/areas.py", "self.truth.sum(axis=0) > 0", "self.truth.sum(axis=0) >= 1")
    (one,) = api.rescore(tmp_path, write=True).made
    assert one.changed == {} and one.after.scoring.digest != before.scoring.digest
    assert run(request).rescored == 0


def test_real_images_are_looked_at_by_the_same_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = scenes(tmp_path, "sis")
    one = run(request).records[0]
    here = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: here | {"pillow": "99.0"})
    two = run(replace(request, seeds=[1])).records[0]
    assert two.reference != one.reference
    folders = [Store(tmp_path).reference(r.protocol["hash"], r.reference) for r in (one, two)]
    kept = [sorted(path.name for path in folder.rglob("*.parquet")) for folder in folders]
    assert kept[0] and kept[0] == kept[1]
    assert np.isclose(one.metrics["alignment_miou_real"].value, two.metrics["alignment_miou_real"].value)
