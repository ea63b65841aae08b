"""Cells that differ in the seed alone make a row."""

from __future__ import annotations

from typing import Any

from symmbench.bench.compare.tables import Table, notes, tables
from symmbench.bench.records import Cost, Figure


def add(results: Any, method: str, right: int, nfe: int, **facts: Any) -> None:
    """A classifier with `right` images of 120 right; other images for every method."""
    tables_ = results.predictions(right)
    cost = Cost(images_per_second=100 / nfe, batch_size=8, device="cpu")
    metrics = {"accuracy": Figure(value=right / 120)}
    results.add(method, "cls", tables_, steps=nfe, nfe=nfe, cost=cost, metrics=metrics, **facts)


def one(results: Any) -> Table:
    (table,) = tables(results.cells)
    return table


def test_seeds_that_agree_keep_the_interval_over_images(results: Any) -> None:
    for method, rights in (("a", (100, 100)), ("b", (100, 90))):
        for seed, right in enumerate(rights):
            low_high = {"low": right / 120 - 0.1, "high": right / 120 + 0.1, "covers": "test images"}
            metrics = {"accuracy": Figure(value=right / 120, **low_high)}
            results.add(method, "cls", results.predictions(right), seed=seed, metrics=metrics)
    a, b = one(results).rows
    assert (a.metrics["accuracy"].low, a.metrics["accuracy"].covers) == (100 / 120 - 0.1, "test images")
    assert b.metrics["accuracy"].covers == "generation seeds"
    (said, *_) = notes(one(results))
    assert said.startswith("95 % intervals cover test images, but generation seeds for b@25")
