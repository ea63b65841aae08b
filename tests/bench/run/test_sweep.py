"""Runs end to end: what is reused, cut, forced, failed, damaged."""

from dataclasses import replace
from pathlib import Path

import pytest

from symmbench import methods
from symmbench.bench.records import Record
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.run.sweep import Progress, sweep
from symmbench.symmflow.errors import InputError, Note


def run(request: Request) -> list[Record]:
    return sweep(plan(request), request).records


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


def test_a_cut_run_keeps_its_batches_and_ends_with_the_same_figures(tmp_path: Path) -> None:
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
    assert rest.evaluated == 2000 - 1152  # 18 batches of 64; the nineteenth was open
    whole = run(replace(request, out=tmp_path / "whole"))
    assert rest.records[0].metrics == whole[0].metrics


def test_a_failing_method_is_a_failed_record_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    def broken(self: object, images: object, sampling: object) -> object:
        raise RuntimeError("the network is on fire")

    monkeypatch.setattr(CNNClassifier, "classify", broken)
    base = Request(methods=["cnn"], tasks=["cls"], steps=[1], out=tmp_path, limit=20)
    failed, fine = run(base)[0], run(replace(base, methods=["symmflow"], datasets=["two-spirals"]))[0]
    assert failed.status == "failed" and "the network is on fire" in failed.reason and "Traceback" in failed.reason
    assert fine.status == "ok"
    monkeypatch.undo()
    assert run(base)[0].status == "ok"  # a failure is tried again


def test_a_damaged_record_is_named_and_made_again_from_its_evidence(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=4, out=tmp_path)
    (before,) = run(request)
    path = next(tmp_path.glob("*/*/*/record.json"))
    path.write_text(path.read_text()[:100])
    with pytest.warns(Note, match=r"record.json is not a record"):
        again = sweep(plan(request), request)
    assert again.evaluated == 0 and again.records[0].metrics == before.metrics


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    request = Request(tasks=["cls"], datasets=["two-spirals"], steps=[1], limit=4, out=tmp_path)
    run(request)
    next(tmp_path.glob("*/*/*/record.json")).unlink()
    next(tmp_path.glob("*/*/*/evidence-*/*.parquet")).write_bytes(b"PAR1")
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
    assert {r.status for r in outcome.records} == {"ok"}
    assert outcome.unsupported == planned.unsupported  # every method that can do something could be loaded
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
