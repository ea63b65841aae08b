"""Figures from stored evidence are those of the run, without a network."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.metrics import classification
from symmbench.bench.records import Store
from symmbench.bench.records.shards import to_parquet
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.rescore import rescore
from symmbench.bench.run.sweep import sweep


def test_rescoring_gives_the_same_figures_and_finds_what_changed(
    bench: Any, without_torch: Any, tmp_path: Path
) -> None:
    asked = ("--steps", "1", "--limit", "40", "--samples-per-mask", "2")
    assert bench("run", "-t", "cls,ss,sis", "-d", "digits,digit-scenes", *asked).returncode == 0
    done = without_torch("rescore")
    assert done.returncode == 0 and "4 cells: 0 changed, 4 the same" in done.stdout, done.stdout + done.stderr
    (cell,) = [stored for stored in Store(tmp_path / "results").items() if stored.record.task == "cls"]
    file = cell.evidence.folder / "samples-00000.parquet"
    import pyarrow.parquet as parquet

    meta = parquet.read_table(file).schema.metadata
    table = pd.read_parquet(file)
    table.loc[0, "prediction"] = (table.loc[0, "label"] + 1) % 10
    import pyarrow

    parquet.write_table(pyarrow.Table.from_pandas(table).replace_schema_metadata(meta), file)
    done = bench("rescore", "--write")
    before = cell.record.metrics["accuracy"].value
    after = round(before * 40 - 1) / 40
    assert re.search(rf"accuracy: {before} \[.*\] -> {after} \[", done.stdout), done.stdout
    assert "4 cells: 1 changed, 3 the same" in done.stdout
    assert "0 changed, 4 the same" in bench("rescore").stdout
    file.unlink()
    done = bench("rescore")
    assert done.returncode == 2 and "3 cells: 0 changed, 3 the same, 1 not possible" in done.stdout


def test_rescoring_nothing_is_said(bench: Any) -> None:
    done = bench("rescore")
    assert done.returncode == 2 and "there is no results folder" in done.stderr


def request(out: Path, **changes: object) -> Request:
    wanted = {"tasks": ["ss"], "datasets": ["digit-scenes"], "steps": [1], "limit": 20, "out": out, "device": "cpu"}
    return Request(**(wanted | changes))  # type: ignore[arg-type]


def test_scores_under_another_protocol_are_those_of_a_run_under_it(tmp_path: Path) -> None:
    ours = request(tmp_path / "ours", split="validation")
    theirs = request(tmp_path / "theirs", protocol="symmflow-official")
    sweep(plan(ours), ours)
    (run,) = sweep(plan(theirs), theirs).records
    outcome = rescore([tmp_path / "ours"], protocol="symmflow-official", out=tmp_path / "again")
    (record,) = [cell.record for cell in Store(tmp_path / "again").items()]
    assert record.metrics == run.metrics and record.key == run.key and record.protocol == run.protocol
    assert set(record.metrics) == {"miou"} and outcome.left == []
    before = outcome.made[0].before
    assert before.metrics["miou"].value != record.metrics["miou"].value  # the background counts no more
    per_class = record.details["iou_per_class"]
    assert per_class["background"] is None
    assert record.metrics["miou"].value == pytest.approx(np.mean([v for v in per_class.values() if v is not None]))
    assert rescore([tmp_path / "again"]).made[0].changed == {} and run.cell.key == run.key


def test_synthesis_is_scored_again_with_its_reference(tmp_path: Path) -> None:
    fewer = tmp_path / "fewer.toml"
    fewer.write_text('[metrics]\nsis = ["fid", "kid"]\n')
    asked = request(tmp_path / "ours", tasks=["sis"], limit=30)
    (run,) = sweep(plan(asked), asked).records
    (made,) = rescore([tmp_path / "ours"], protocol=str(fewer), out=tmp_path / "again").made
    assert set(made.after.metrics) == {"fid[digits-cnn]", "kid[digits-cnn]"}
    assert all(made.after.metrics[name] == run.metrics[name] for name in made.after.metrics)
    anew = request(tmp_path / "anew", tasks=["sis"], limit=30, protocol=str(fewer))
    (fresh,) = sweep(plan(anew), anew).records
    assert made.after.key == fresh.key and made.after.protocol == fresh.protocol != run.protocol
    assert [one.changed for one in rescore([tmp_path / "again"]).made] == [{}]  # nothing of the first store is needed


@pytest.mark.parametrize(
    ("change", "protocol", "why"),
    [
        ({}, "sdm", "measures on the validation split"),
        ({"split": "validation"}, "symmflow-official", r"rounds images otherwise \(truncate\)"),
        ({"split": "validation"}, "sdm", "takes features of inception"),
        ({"tasks": ["ss"]}, "sdm", "does not say how to measure ss"),
        ({}, "harness", "measured as harness says already"),
    ],
)
def test_what_was_not_sampled_cannot_be_scored(
    tmp_path: Path, change: dict[str, object], protocol: str, why: str
) -> None:
    asked = request(tmp_path, **({"tasks": ["sis"], "limit": 4} | change))
    sweep(plan(asked), asked)
    outcome = rescore([tmp_path], protocol=protocol, out=tmp_path)  # even there it destroys nothing
    ((_, reason),) = outcome.left
    assert outcome.made == [] and re.search(why, reason), reason
    assert [one.changed for one in rescore([tmp_path]).made] == [{}]


def test_figures_of_a_new_definition_lie_under_a_new_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], methods=["cnn"], limit=60)
    (before,) = sweep(plan(asked), asked).records
    monkeypatch.setattr(classification, "ACCURACY", replace(classification.ACCURACY, version=2))
    rescore([tmp_path], write=True)
    (cell,) = Store(tmp_path).items()  # the old one is gone: the evidence went with it
    (fresh,) = sweep(plan(asked), asked).records
    hashed = cell.record.protocol["hash"]
    assert hashed != before.protocol["hash"] and fresh.key == cell.record.key
    assert (tmp_path / "protocols" / f"{hashed}.json").is_file()
    assert cell.folder.name.endswith(cell.record.key[:10]) and rescore([tmp_path]).left == []


def test_rounding_is_no_change(bench: Any, tmp_path: Path) -> None:
    """As other versions of libraries, or another machine, would add the same numbers."""
    assert bench("run", "-m", "cnn", "-t", "cls", "--limit", "30").returncode == 0
    (path,) = tmp_path.glob("results/*/*/*/record.json")
    record = json.loads(path.read_text())
    for off, said in ((1e-9, "1 cells: 0 changed, 1 the same"), (1e-3, "1 cells: 1 changed (not kept: --write)")):
        brier = record["metrics"]["brier"]
        moved = {end: brier[end] * (1 + off) for end in ("value", "low", "high")}
        changed = {**record, "metrics": {**record["metrics"], "brier": {**brier, **moved}}}
        path.write_text(json.dumps(changed))
        assert said in bench("rescore").stdout


def test_evidence_that_lost_samples_changes_no_figure(tmp_path: Path) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], methods=["cnn"], limit=60)
    (before,) = sweep(plan(asked), asked).records
    (cell,) = Store(tmp_path).items()
    file = cell.evidence.folder / "samples-00000.parquet"
    file.write_bytes(to_parquet(pd.read_parquet(file)[:30]))
    ((_, why),) = rescore([tmp_path], write=True).left
    assert "does not hold every sample once (30 of 60, 30 rows)" in why
    other = cell.record.scoring.model_copy(update={"digest": "0" * 16, "text": ""})
    cell.rewrite(cell.record.model_copy(update={"scoring": other}))
    outcome = sweep(plan(asked), asked)  # other code scored it: again, but not from this
    assert outcome.evaluated == 60 and outcome.records[0].metrics == before.metrics


def test_a_cell_that_is_not_whole_stays_where_it_is_when_a_definition_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], methods=["cnn"], limit=60)
    sweep(plan(asked), asked)
    (cell,) = Store(tmp_path).items()
    (cell.evidence.folder / "timing-00000.json").unlink()
    monkeypatch.setattr(classification, "ACCURACY", replace(classification.ACCURACY, version=2))
    ((_, why),) = rescore([tmp_path], write=True).left
    assert "is not whole" in why and [one.record for one in Store(tmp_path).items()] == [cell.record]
