"""A row against itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from symmbench.bench.compare.selftest import against_itself, block
from symmbench.bench.records import Cost, Figure
from symmbench.symmflow.errors import InputError


def test_a_row_against_itself_alarms_about_one_time_in_twenty(results: Any) -> None:
    for seed in (0, 1):
        counts = results.confusion(0.7, seed=seed)
        without = (10 + np.random.default_rng(seed).normal(scale=0.1, size=20)).tolist()
        details = {
            "classes": ["a", "b"],
            "ignored_classes": [],
            "jackknife": {"fid[x]": {"without": without, "second": []}},
        }
        times = np.random.default_rng(seed).normal(2, 0.1, size=8).tolist()
        cost = Cost(batch_size=8, device="cpu", relative=times)
        metrics = {"miou": Figure(value=0.7), "fid[x]": Figure(value=10, unit="distance", better="lower")}
        results.add("m", "ss", counts, seed=seed, metrics=metrics, details=details, cost=cost)
    (found,) = against_itself([results.table])
    rates = {r.metric: r for r in found.rates}
    assert {m: (r.how, r.trials) for m, r in rates.items()} == {
        "miou": ("exchange", 200),
        "fid[x]": ("runs", 1),
        "relative_time": ("runs", 1),
    }
    assert 0.01 <= rates["miou"].share.value <= 0.12


def test_a_row_of_one_seed_cannot_be_compared_with_itself(results: Any) -> None:
    results.classifier("a", 100, 1)
    with pytest.raises(InputError, match="--seeds 0,1"):
        against_itself([results.table])


def test_its_counts_are_plain_numbers(results: Any) -> None:
    """A share of images has bounds of its own, and JSON takes no numbers of NumPy's."""
    for seed in (0, 1):
        results.classifier("a", 100 - 9 * seed, 1, seed=seed)
    (found,) = against_itself([results.table])
    assert json.loads(json.dumps(block(found).data))[0]["metric"] == "accuracy"
