"""Cells that are evaluated again: a failure is told, and the old figures stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symmbench.bench import api
from symmbench.bench.run.request import Request


def test_a_failure_is_told_and_the_old_figures_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    def broken(self: object, images: object, sampling: object) -> object:
        raise RuntimeError("the network is on fire")

    request = Request(methods=["cnn"], tasks=["cls"], limit=6, out=tmp_path / "r", device="cpu")
    (first,) = api.run(request)
    monkeypatch.setattr(CNNClassifier, "classify", broken)
    again = api.run(replace(request, force=True))
    assert [r.status for r in again] == ["failed"] and again.failed and "on fire" in again[0].reason
    monkeypatch.undo()
    (kept,) = api.run(request)
    assert kept == first
    (third,) = api.run(replace(request, force=True))
    assert third.status == "ok" and third.metrics == first.metrics
    assert not (tmp_path / "r" / ".again").exists()


@pytest.mark.parametrize("left", ["a failure", "an unreadable record"])
def test_force_evaluates_anew_whatever_record_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    request = Request(methods=["cnn"], tasks=["cls"], limit=6, out=tmp_path / "r", device="cpu")
    if left == "a failure":
        monkeypatch.setattr("symmbench.bench.metrics.score", lambda *given: 1 / 0)  # after the evidence is whole
        assert api.run(request).failed
        monkeypatch.undo()
    else:
        api.run(request)
        (record,) = (tmp_path / "r").glob("*/*/*/record.json")
        record.write_text("{}")
    found = api.run(replace(request, force=True))
    assert (found.evaluated, found[0].status) == (6, "ok")
    assert api.run(request).evaluated == 0 and len(list((tmp_path / "r").glob("*/*/*/evidence-*"))) == 1  # it tidies up
