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
