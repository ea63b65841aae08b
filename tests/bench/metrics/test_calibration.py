from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from symmbench.bench import run
from symmbench.bench.metrics.calibration import brier, expected_calibration_error


def test_calibration_by_hand() -> None:
    labels = np.repeat([0, 1], [90, 10])
    sure = np.tile([1.0, 0.0], (100, 1))  # always sure of class 0, right nine times of ten
    ids = [f"i{k}" for k in range(100)]
    assert expected_calibration_error(sure, labels, ids).interval.value == pytest.approx(0.1)
    assert expected_calibration_error(np.tile([0.9, 0.1], (100, 1)), labels, ids).interval.value == pytest.approx(0)
    assert brier(sure, labels).mean() == pytest.approx(0.2)


def test_calibration_error_equals_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_calibration_error

    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(500, 10)) * 2, random.integers(10, size=500)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    oracle = multiclass_calibration_error(torch.from_numpy(p), torch.from_numpy(labels), 10, n_bins=15, norm="l1")
    found = expected_calibration_error(p, labels, [f"i{k}" for k in range(500)])
    assert found.interval.value == pytest.approx(float(oracle), rel=1e-6)


def test_probabilities_are_calibrated_and_other_scores_refused(tmp_path: Path) -> None:
    cnn, flow = run(tasks="cls", datasets="digits", methods=["cnn", "symmflow"], steps=[1], limit=60, out=tmp_path)
    assert 0 <= cnn.metrics["ece"].value < 0.2 and 0 <= cnn.metrics["brier"].value < 0.3
    assert flow.absent["ece"] == flow.absent["brier"] and "no probabilities" in flow.absent["ece"]
