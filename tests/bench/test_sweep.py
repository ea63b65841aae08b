"""Runs end to end, in this process, on bundled and untrained checkpoints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import symmbench.bench as harness
from symmbench import methods
from symmbench.bench.records import evidence
from symmbench.bench.records.evidence import Evidence
from symmbench.bench.records.record import Record, Store
from symmbench.bench.run.plan import Request, plan
from symmbench.bench.run.sweep import Progress, sweep
from symmbench.symmflow.errors import InputError


def run(request: Request) -> list[Record]:
    return sweep(plan(request), request).records


def scenes(untrained: Path, out: Path, **options: object) -> Request:
    return Request(checkpoint=str(untrained), steps=[1, 2], out=out, limit=40, **options)  # type: ignore[arg-type]


def test_three_tasks_give_complete_records(untrained_scenes: Path, tmp_path: Path) -> None:
    records = run(scenes(untrained_scenes, tmp_path, tasks=["ss", "synthesize"], datasets=["digit-scenes"]))
    records += run(Request(methods=["cnn"], tasks=["cls"], out=tmp_path, limit=40))
    assert [(r.task, r.steps, r.status) for r in records] == [
        ("ss", 1, "ok"), ("ss", 2, "ok"), ("sis", 1, "ok"), ("sis", 2, "ok"), ("cls", None, "ok"),
    ]  # fmt: skip
    for r in records:
        assert r.n == 40 and r.nfe == (r.steps or 1) and r.nfe_executed == r.nfe
        assert r.cost and r.cost.images_per_second and r.cost.peak_memory_bytes
        assert r.provenance["packages"]["torch"] and r.provenance["command"]
        assert (tmp_path / "protocols" / f"{r.protocol['hash']}.json").is_file()
        for metric in r.metrics.values():
            assert metric.low is not None and metric.high is not None and metric.covers
            assert metric.low <= metric.value <= metric.high
    ss, sis, cls = records[0], records[2], records[4]
    assert set(ss.metrics) == {"miou", "pixel_accuracy"} and len(ss.details["iou_per_class"]) == 11
    assert {"fid[digits-cnn]", "kid[digits-cnn]"} <= set(sis.metrics) and "lpips-alex" in sis.absent["lpips_gt"]
    assert (
        sis.details["features"]["n_over_d"] == round(40 / 64, 2) and "mostly bias" in sis.details["features"]["warning"]
    )
    assert set(cls.metrics) == {"accuracy", "top5", "brier", "ece"}
    previews = sorted(tmp_path.glob("*/*/*/preview.png"))
    assert len(previews) == 5 and all(p.read_bytes().startswith(b"\x89PNG") for p in previews)


def test_metrics_agree_with_the_evidence(untrained_scenes: Path, tmp_path: Path) -> None:
    request = scenes(untrained_scenes, tmp_path, tasks=["ss"], datasets=["digit-scenes"])
    record = run(request)[1]
    job = plan(request).jobs[0]
    table = Evidence(Store(tmp_path).path(job.cells[1]), 1, "masks").table("confusion")
    dense = np.zeros((11, 11))
    np.add.at(dense, (table["truth"], table["prediction"]), table["pixels"])
    assert dense.sum() == 40 * 32 * 32
    iou = np.diag(dense) / (dense.sum(0) + dense.sum(1) - np.diag(dense))
    assert record.metrics["miou"].value == pytest.approx(np.mean(iou))


def test_the_same_request_evaluates_nothing(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1, 2], seeds=[0, 1], out=tmp_path)
    first = sweep(plan(request), request)
    assert first.evaluated == 4 * 2000 and first.reused == 0
    second = sweep(plan(request), request)
    assert second.evaluated == 0 and second.reused == 4 and second.records == first.records
    more = replace(request, steps=[1, 2, 5])
    assert sweep(plan(more), more).evaluated == 2 * 2000
    forced = replace(request, force=True, seeds=[0])
    again = sweep(plan(forced), forced)
    assert again.evaluated == 2 * 2000
    assert [r.metrics for r in again.records] == [r.metrics for r in first.records if r.seed == 0]


def test_limit_is_part_of_the_key(tmp_path: Path) -> None:
    few = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=10, out=tmp_path)
    assert run(few)[0].n == 10
    everything = replace(few, limit=None)
    assert run(everything)[0].n == 2000
    assert plan(few).jobs[0].protocol.hash != plan(everything).jobs[0].protocol.hash


@pytest.mark.parametrize("task", ["ss", "sis"])
def test_batch_size_does_not_change_the_figures(untrained_scenes: Path, tmp_path: Path, task: str) -> None:
    found = {}
    for size in (1, 7, 64):
        request = scenes(
            untrained_scenes, tmp_path / str(size), tasks=[task], datasets=["digit-scenes"], batch_size=size
        )
        found[size] = run(request)
    for size in (1, 7):
        for a, b in zip(found[size], found[64], strict=True):
            assert a.key == b.key and a.metrics.keys() == b.metrics.keys()
            for name, metric in a.metrics.items():
                other = b.metrics[name]
                assert abs(metric.value - other.value) <= 0.01 * (other.high - other.low), name  # type: ignore[operator]
                assert a.nfe == b.nfe


def test_a_cut_run_keeps_its_shards_and_ends_with_the_same_figures(tmp_path: Path) -> None:
    class Cut(Progress):
        def __init__(self) -> None:
            self.images = 0

        def advance(self, images: int) -> None:
            self.images += images
            if self.images > 1200:
                raise KeyboardInterrupt

    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[5], out=tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        sweep(plan(request), request, Cut())
    rest = sweep(plan(request), request)
    assert rest.evaluated == 2000 - 4 * evidence.SHARD
    whole = run(replace(request, out=tmp_path / "whole"))
    assert rest.records[0].metrics == whole[0].metrics


def test_a_failing_method_is_a_failed_record_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    def broken(self: object, images: object, **options: object) -> object:
        raise RuntimeError("the network is on fire")

    monkeypatch.setattr(CNNClassifier, "classify", broken)
    base = Request(methods=["cnn"], tasks=["cls"], steps=[1], out=tmp_path, limit=20)
    failed, fine = run(base)[0], run(replace(base, methods=["symmflow"], datasets=["two-spirals"]))[0]
    assert failed.status == "failed" and "the network is on fire" in failed.reason and "Traceback" in failed.reason
    assert fine.status == "ok"
    monkeypatch.undo()
    assert run(base)[0].status == "ok"  # a failure is tried again


def test_several_samples_a_mask(untrained_scenes: Path, tmp_path: Path) -> None:
    request = scenes(untrained_scenes, tmp_path, tasks=["sis"], datasets=["digit-scenes"], samples_per_mask=2)
    record = run(request)[0]
    assert record.details["features"]["n"] == 80 and record.details["features"]["reference_n"] == 40
    found = Evidence(Store(tmp_path).path(plan(request).jobs[0].cells[0]), 1, "samples")
    table = found.table("samples")
    assert (
        table.groupby("id")["draw"].apply(sorted).map(tuple) == pd.Series([(0, 1)] * 40, index=sorted(set(table["id"])))
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
    from symmbench.symmflow.checkpoint import file_sha256

    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path))
    file = tmp_path / weights.KNOWN["lpips-alex"].file
    torch.save(alexnet(weights=None).state_dict(), file)
    monkeypatch.setitem(weights.KNOWN, "lpips-alex", changed(weights.KNOWN["lpips-alex"], sha256=file_sha256(file)))
    request = scenes(untrained_scenes, tmp_path / "out", tasks=["sis"], datasets=["digit-scenes"], samples_per_mask=2)
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


def test_store_reads_as_one_table(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1, 2], limit=100, out=tmp_path)
    run(request)
    frame = harness.load(tmp_path)
    assert isinstance(frame, pd.DataFrame) and sorted(frame["steps"]) == [1, 2]
    assert frame["accuracy"].between(0, 1).all() and (frame["accuracy.low"] <= frame["accuracy"]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": ["symflow"]}, "did you mean 'symmflow'"),
        ({"tasks": ["clss"]}, "did you mean 'cls'"),
        ({"datasets": ["digit"]}, "did you mean 'digits'"),
        ({"datasets": ["two-spirals"], "tasks": ["ss"]}, "no data set given has a task of ss"),
        ({"methods": ["cnn"], "tasks": ["sis"], "datasets": ["digits"]}, "only classifies"),
        ({"solver": "eular"}, "did you mean 'euler'"),
        ({"precision": "fp8"}, "unknown precision"),
        ({"limit": 0}, "--limit must be at least 1"),
        ({"batch_size": 257}, "--batch-size must lie in 1-256"),
        ({"split": "tset"}, "did you mean 'test'"),
        ({"checkpoint": "nowhere/at/all"}, "no checkpoint folder"),
        ({"checkpoint": "x", "methods": ["all"]}, "exactly one --method"),
        ({"device": "cuda:99"}, "is not on this machine"),
        ({"device": "gpu"}, "is no device"),
        ({"datasets": ["mnist"], "data_root": Path("/nonexistent")}, "not a folder"),
    ],
)
def test_bad_requests_are_one_sentence(tmp_path: Path, change: dict[str, object], said: str) -> None:
    base = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=4, out=tmp_path)
    with pytest.raises(InputError) as error:
        run(replace(base, **change))  # type: ignore[arg-type]
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=4, out=tmp_path)
    run(request)
    path = next(tmp_path.glob("*/*/*/record.json"))
    path.write_text(path.read_text()[:100])
    with pytest.raises(InputError, match=r"record.json is not a record"):
        run(request)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=4, out=tmp_path)
    run(request)
    next(tmp_path.glob("*/*/*/record.json")).unlink()
    next(tmp_path.glob("*/*/*/evidence/*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(InputError, match="is damaged"):
        run(request)


def test_force_keeps_the_old_figures_until_there_are_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(methods=["cnn"], tasks=["cls"], limit=20, out=tmp_path)
    first = run(request)[0]
    with pytest.raises(InputError, match="is not on this machine"):
        run(replace(request, force=True, device="cuda:99"))
    assert sweep(plan(request), request).evaluated == 0

    class Cut(Progress):
        def advance(self, images: int) -> None:
            raise KeyboardInterrupt

    again = replace(request, force=True)
    with pytest.raises(KeyboardInterrupt):
        sweep(plan(again), again, Cut())
    assert sweep(plan(request), request).evaluated == 0
    done = sweep(plan(again), again)
    assert done.evaluated == 20 and done.records[0].metrics == first.metrics
    assert not list(tmp_path.glob(".again/*/*/*/record.json"))


@pytest.mark.parametrize("task", ["cls", "sis"])
def test_values_that_are_not_finite_are_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, untrained_scenes: Path, task: str
) -> None:
    from symmbench.symmflow import flow

    monkeypatch.setattr(flow, "integrate", lambda velocity, state, **options: state * float("nan"))
    if task == "cls":
        record = run(Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=8, out=tmp_path))[0]
    else:
        record = run(scenes(untrained_scenes, tmp_path, tasks=["sis"], datasets=["digit-scenes"]))[0]
    assert record.status == "failed" and "not finite" in record.reason and not record.metrics


def test_a_method_without_steps_has_one_cell_whatever_the_seeds(tmp_path: Path) -> None:
    request = Request(methods=["cnn"], tasks=["cls"], limit=20, out=tmp_path)
    assert len(run(replace(request, seeds=[3, 4]))) == 1
    assert sweep(plan(request), request).evaluated == 0
    everything = replace(request, limit=None)
    assert plan(everything).jobs[0].cells == plan(replace(request, limit=400)).jobs[0].cells


ABLE = {
    ("cnn", "digits", "cls"): [None],
    ("diffusion-classifier", "digits", "cls"): [25],
    ("diffusion-classifier", "digits", "sis"): [1, 5, 25],
    ("fm", "digits", "sis"): [1, 5, 25],
    ("symmflow", "digits", "cls"): [1, 5, 25],
    ("symmflow", "digits", "sis"): [1, 5, 25],
    ("dsm", "digit-scenes", "ss"): [5, 25],
    ("fm", "digit-scenes", "sis"): [1, 5, 25],
    ("semflow", "digit-scenes", "ss"): [1, 5, 25],
    ("semflow", "digit-scenes", "sis"): [1, 5, 25],
    ("symmflow", "digit-scenes", "ss"): [1, 5, 25],
    ("symmflow", "digit-scenes", "sis"): [1, 5, 25],
    ("unet", "digit-scenes", "ss"): [None],
}
"""What every method can do of what is asked below; the README's table in full."""


def test_everything_bundled_does_all_that_it_can_and_nothing_fails(tmp_path: Path) -> None:
    sets = ["digits", "digit-scenes"]
    asked = Request(methods=["all"], tasks=["cls", "ss", "sis"], datasets=sets, steps=[1, 5, 25], limit=6, out=tmp_path)
    planned = plan(asked)
    outcome = sweep(planned, asked)
    assert not outcome.failed and not outcome.unusable and {r.status for r in outcome.records} == {"ok"}
    expected = {
        (name, dataset, task, count)
        for dataset in sets
        for name in methods.bundled(dataset)
        for task in ("cls", "ss", "sis")
        for count in ABLE.get((methods.base(name), dataset, task), ())
    }
    assert {(r.method, r.dataset, r.task, r.steps) for r in outcome.records} == expected
    assert all(cell.reason for cell in planned.unsupported)
    for r in outcome.records:  # the classifier lays its stages out within the budget
        spent, budget = r.nfe or 0, r.steps or 1
        assert spent <= budget if (r.method, r.task) == ("diffusion-classifier", "cls") else spent == budget


def test_unsupported_is_neither_a_failure_nor_an_end(tmp_path: Path) -> None:
    request = Request(methods=["cnn", "unet"], tasks=["cls"], limit=20, out=tmp_path)
    planned = plan(request)
    assert [u.method for u in planned.unsupported] == ["unet"] and len(sweep(planned, request).records) == 1


def test_a_checkpoint_of_another_data_set_is_refused(tmp_path: Path) -> None:
    """Its test digits may be among the other's training digits."""
    from symmbench.methods.registry import CHECKPOINTS

    folder = str(CHECKPOINTS / "digits" / "cnn")
    with pytest.raises(InputError, match="trained on digits, not on digits-by-writer"):
        plan(Request(methods=["cnn"], tasks=["cls"], datasets=["digits-by-writer"], checkpoint=folder, out=tmp_path))


def test_the_recipe_is_part_of_a_checkpoints_identity(tmp_path: Path) -> None:
    import json
    import shutil

    from symmbench.methods.registry import CHECKPOINTS
    from symmbench.symmflow.checkpoint import open_checkpoint

    shutil.copytree(CHECKPOINTS / "two-spirals" / "symmflow", tmp_path / "c")
    before = open_checkpoint(tmp_path / "c")
    manifest = json.loads((tmp_path / "c" / "checkpoint.json").read_text())
    manifest["recipe"]["labels"]["eta"] = 3
    (tmp_path / "c" / "checkpoint.json").write_text(json.dumps(manifest))
    after = open_checkpoint(tmp_path / "c")
    assert after.sha256 == before.sha256 and after.fingerprint != before.fingerprint
