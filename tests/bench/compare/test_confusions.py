"""What was taken for what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmbench.bench.compare.confusions import Confusion, confusion
from symmbench.bench.records import Missing


def test_counts_of_all_seeds_are_added(results: Any) -> None:
    results.protocol("h", classes=("a", "b"))
    for seed, right in enumerate((100, 90)):
        results.add("m", "cls", results.predictions(right), seed=seed)
    (row,) = results.table.rows
    found = confusion(row)
    assert isinstance(found, Confusion) and found.counts.tolist() == [[190, 50], [0, 0]]
    assert found.shares[0].tolist() == [190 / 240, 50 / 240] and np.isnan(found.shares[1]).all()


def test_counts_of_pixels_are_those_of_the_evidence(results: Any) -> None:
    results.add("m", "ss", results.confusion(0.7), details={"classes": ["a", "b"]})
    (row,) = results.table.rows
    found = confusion(row)
    right = sum((mask > 0).sum() for _, mask in row.cells[0].evidence.masks())
    assert isinstance(found, Confusion) and found.counts.tolist() == [[12000, 0], [12000 - right, right]]


@pytest.mark.parametrize(
    ("classes", "why"),
    [([], "does not name its classes"), (["a"], "out of bounds"), (["a", "b"], "run the cell again")],
)
def test_what_cannot_be_told_has_a_reason(results: Any, classes: list[str], why: str) -> None:
    results.add("m", "ss", results.confusion(0.7), details={"classes": classes})
    if len(classes) == 2:
        (results.cells[0].folder / "evidence" / "samples-00000.parquet").unlink()
    (row,) = results.table.rows
    assert isinstance(found := confusion(row), Missing) and why in str(found)


def test_the_classes_that_went_wrong_most_stand_for_themselves() -> None:
    """Of five classes the second and the fourth are mistaken for each other; nothing of the counts is lost."""
    counts = np.diag([10.0, 5, 10, 5, 10])
    counts[1, 3] = counts[3, 1] = 5
    most = Confusion(tuple("abcde"), counts).most(2)
    assert most.classes == ("b", "d", "3 others")
    assert most.counts.tolist() == [[5, 5, 0], [5, 5, 0], [0, 0, 30]]
    whole = Confusion(tuple("abc"), np.eye(3))
    assert whole.most(2) is whole  # one other class is no crowd
