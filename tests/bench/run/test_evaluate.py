"""What evaluating gives: records, evidence, the same figures whatever the batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from symmbench import datasets
from symmbench.bench.records import Record, Store, Stored
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import sweep


def run(request: Request) -> list[Record]:
    return sweep(plan(request), request).records


def scenes(untrained: Path, out: Path, **options: object) -> Request:
    asked = {"tasks": ["ss", "sis"], "datasets": ["digit-scenes"], "steps": [1, 2], "limit": 50}
    return Request(checkpoint=str(untrained), out=out, **(asked | options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def store(untrained_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """Segmentations and syntheses of an untrained network at one and two steps, and a classification; not to change."""
    out = tmp_path_factory.mktemp("evaluated")
    records = run(scenes(untrained_scenes, out))
    return out, [*records, *run(Request(methods=["cnn"], tasks=["cls"], out=out, limit=50))]


def test_three_tasks_give_complete_records(store: tuple[Path, list[Record]]) -> None:
    out, records = store
    assert [(r.task, r.steps, r.status) for r in records] == [
        ("ss", 1, "ok"), ("ss", 2, "ok"), ("sis", 1, "ok"), ("sis", 2, "ok"), ("cls", None, "ok"),
    ]  # fmt: skip
    for r in records:
        assert r.n == 50 and r.nfe == (r.steps or 1) and r.nfe_executed == r.nfe
        assert r.cost and r.cost.images_per_second and r.cost.peak_memory_bytes
        assert r.provenance["packages"]["torch"] and r.provenance["command"]
        assert (out / "protocols" / f"{r.protocol['hash']}.json").is_file()
        for metric in r.metrics.values():
            assert metric.low is not None and metric.high is not None and metric.covers
            assert metric.low <= metric.value <= metric.high
    ss, sis, cls = records[0], records[2], records[4]
    shares = {"miou", "pixel_accuracy", "mean_f1", "mean_accuracy", "fw_iou"}
    assert set(ss.metrics) == shares and len(ss.details["iou_per_class"]) == 11
    assert {"fid[digits-cnn]", "kid[digits-cnn]"} <= set(sis.metrics) and "lpips-alex" in sis.absent["lpips_gt"]
    assert (
        sis.details["features"]["n_over_d"] == round(50 / 64, 2) and "mostly bias" in sis.details["features"]["warning"]
    )
    assert set(cls.metrics) == {"accuracy", "top5", "brier", "ece"}
    previews = sorted(out.glob("*/*/*/preview.png"))
    assert len(previews) == 5 and all(p.read_bytes().startswith(b"\x89PNG") for p in previews)


def test_metrics_agree_with_the_evidence(store: tuple[Path, list[Record]]) -> None:
    out, (_, record, *_) = store
    table = Stored(record, Store(out).path(record.cell)).evidence.table("confusion")
    dense = np.zeros((11, 11))
    np.add.at(dense, (table["truth"], table["prediction"]), table["pixels"])
    assert dense.sum() == 50 * 32 * 32
    iou = np.diag(dense) / (dense.sum(0) + dense.sum(1) - np.diag(dense))
    assert record.metrics["miou"].value == pytest.approx(np.mean(iou))


@pytest.mark.parametrize("size", [1, 7])
def test_batch_size_does_not_change_the_figures(
    store: tuple[Path, list[Record]], untrained_scenes: Path, tmp_path: Path, size: int
) -> None:
    found, (_, known) = run(scenes(untrained_scenes, tmp_path, batch_size=size)), store
    for a, b in zip(found, known[:4], strict=True):  # all 50 in one batch
        assert a.key == b.key and a.metrics.keys() == b.metrics.keys() and a.nfe == b.nfe
        for name, metric in a.metrics.items():
            other = b.metrics[name]
            assert abs(metric.value - other.value) <= 0.01 * (other.high - other.low), name  # type: ignore[operator]


def test_several_samples_a_mask(untrained_scenes: Path, tmp_path: Path) -> None:
    request = scenes(untrained_scenes, tmp_path, tasks=["sis"], samples_per_mask=2)
    record = run(request)[0]
    assert record.details["features"]["n"] == 100 and record.details["features"]["reference_n"] == 50
    found = Stored(record, Store(tmp_path).path(record.cell)).evidence
    table = found.table("samples")
    assert (
        table.groupby("id")["draw"].apply(sorted).map(tuple) == pd.Series([(0, 1)] * 50, index=sorted(set(table["id"])))
    ).all()
    ((ids, features),) = found.features()
    assert ids == table["id"].to_list()
    first, second = (features[table["draw"] == d] for d in (0, 1))
    assert not np.allclose(first, second)


def test_lpips_metrics_with_a_random_backbone(
    untrained_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plumbing of both LPIPS metrics; with real weights the figures mean something."""
    from dataclasses import replace as changed

    from torchvision.models import alexnet

    from symmbench.bench.judges import weights
    from symmbench.symmflow.files import sha256

    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path))
    file = tmp_path / weights.KNOWN["lpips-alex"].file
    torch.save(alexnet(weights=None).state_dict(), file)
    monkeypatch.setitem(weights.KNOWN, "lpips-alex", changed(weights.KNOWN["lpips-alex"], sha256=sha256(file)))
    request = scenes(untrained_scenes, tmp_path / "out", tasks=["sis"], samples_per_mask=2)
    record = run(replace(request, limit=8))[0]
    assert record.metrics["lpips_gt"].value > 0 and record.metrics["lpips_gt"].better == "lower"
    assert record.metrics["lpips_diversity"].value > 0 and record.metrics["lpips_diversity"].better == "higher"


@pytest.mark.parametrize("solver", ["heun", "dopri5"])
def test_other_solvers_count_their_evaluations(tmp_path: Path, solver: str) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[3], solver=solver, limit=6, out=tmp_path)
    record = run(request)[0]
    if solver == "heun":
        assert record.steps == 3 and record.nfe == 6
    else:
        assert record.steps is None and record.nfe and record.nfe > 6


@pytest.mark.parametrize("task", ["cls", "sis"])
def test_values_that_are_not_finite_are_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, untrained_scenes: Path, task: str
) -> None:
    from symmbench.symmflow import flow

    monkeypatch.setattr(flow, "integrate", lambda velocity, state, **options: state * float("nan"))
    if task == "cls":
        record = run(Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=8, out=tmp_path))[0]
    else:
        record = run(scenes(untrained_scenes, tmp_path, tasks=["sis"]))[0]
    assert record.status == "failed" and "not finite" in record.reason and not record.metrics


def request(out: Path, **changes: object) -> Request:
    wanted = {"tasks": ["ss"], "datasets": ["digit-scenes"], "steps": [1], "limit": 20, "out": out, "device": "cpu"}
    return Request(**(wanted | changes))  # type: ignore[arg-type]


def test_masks_are_kept_as_they_were_predicted(untrained_scenes: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, checkpoint=str(untrained_scenes))
    (record,) = sweep(plan(asked), asked).records
    (cell,) = Store(tmp_path).items()
    masks = dict(cell.evidence.masks())
    assert len(masks) == 20 and {m.shape for m in masks.values()} == {(32, 32)}
    truth = datasets.load("digit-scenes", "test").batch(range(20))
    right = sum(int((masks[i] == t).sum()) for i, t in zip(truth.ids, truth.labels, strict=True))
    assert record.metrics["pixel_accuracy"].value == pytest.approx(right / truth.labels.size)
