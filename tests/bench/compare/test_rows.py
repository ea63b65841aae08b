"""Cells that differ in the seed alone make a row."""

from __future__ import annotations

from typing import Any

from symmbench.bench.compare.tables import notes
from symmbench.bench.records import Figure


def test_seeds_that_agree_keep_the_interval_over_images(results: Any) -> None:
    for method, rights in (("a", (100, 100)), ("b", (100, 90))):
        for seed, right in enumerate(rights):
            low_high = {"low": right / 120 - 0.1, "high": right / 120 + 0.1, "covers": "test images"}
            metrics = {"accuracy": Figure(value=right / 120, **low_high)}
            results.add(method, "cls", results.predictions(right), seed=seed, metrics=metrics)
    a, b = results.table.rows
    assert (a.metrics["accuracy"].low, a.metrics["accuracy"].covers) == (100 / 120 - 0.1, "test images")
    assert b.metrics["accuracy"].covers == "test images and generation seeds"
    (said, *_) = notes(results.table)
    assert said.startswith("95 % intervals cover test images, but test images and generation seeds for b@25")
