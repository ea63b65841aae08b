"""Where the spread of a row comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmbench.bench.compare.spread import block, sources
from symmbench.bench.records import CheckpointFacts, Figure


def test_sources_of_chance(results: Any) -> None:
    """Two trainings a tenth apart, three seeds each a hundredth apart."""
    for run, level in (("x", 60), ("y", 72)):
        for seed, more in enumerate((0, 1, 2)):
            right = level + more
            metrics = {"accuracy": Figure(value=right / 120)}
            checkpoint = CheckpointFacts(name="m", sha256=run, fingerprint=run, recipe="m", parameters=1)
            results.add("m", "cls", results.predictions(right), seed=seed, metrics=metrics, checkpoint=checkpoint)
    (found,) = sources(results.table, "accuracy").sources
    assert (found.trainings, found.seeds) == (2, 6) and found.value == pytest.approx(67 / 120)
    assert found.spread.generation == pytest.approx(1 / 120)
    assert found.spread.training == pytest.approx(0.1 / np.sqrt(2), rel=0.01)
    assert found.spread.images == pytest.approx(np.sqrt(0.56 * 0.44 / 120), rel=0.1)


def test_a_row_without_evidence_says_why_it_tells_nothing_of_the_images(results: Any) -> None:
    results.classifier("a", 100, 1)
    for file in (results.cells[0].folder / "evidence").glob("samples-*"):
        file.unlink()
    found = sources(results.table, "accuracy")
    assert found.sources[0].spread.images is None and "has no samples" in block(found).notes[1]
