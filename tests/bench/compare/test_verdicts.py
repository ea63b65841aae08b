"""The baseline of the verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from symmbench.bench.compare.tables import Table, tables
from symmbench.bench.compare.verdicts import judge
from symmbench.bench.records import Cost, Figure
from symmbench.symmflow.errors import InputError


def add(results: Any, method: str, right: int, nfe: int, **facts: Any) -> None:
    """A classifier with `right` images of 120 right; other images for every method."""
    tables_ = results.predictions(right)
    cost = Cost(images_per_second=100 / nfe, batch_size=8, device="cpu")
    metrics = {"accuracy": Figure(value=right / 120)}
    results.add(method, "cls", tables_, steps=nfe, nfe=nfe, cost=cost, metrics=metrics, **facts)


def one(results: Any) -> Table:
    (table,) = tables(results.cells)
    return table


def test_a_baseline_must_be_one_row(results: Any) -> None:
    add(results, "a", 100, 1)
    for precision in ("fp32", "bf16"):
        add(results, "b", 90, 1, precision=precision)
    (found,) = judge([one(results)], "b@1", {})
    assert [(row.method, base.record.precision) for row, base, _ in found.verdicts] == [("a", "fp32")]
    add(results, "c", 95, 1, precision="fp16")
    with pytest.raises(InputError, match="2 rows that could be the baseline"):
        judge([one(results)], "b@1", {})
