"""Which rows of a table are marked as best and second."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from symmbench.bench.compare.leaders import _better, leaders
from symmbench.bench.compare.rows import Row
from symmbench.bench.compare.tables import block
from symmbench.bench.metrics import Floor
from symmbench.bench.records import Figure
from symmbench.bench.statistics import Difference


def named(results: Any, **floors: Floor) -> list[str]:
    return [row.method for row in leaders(results.table, floors)["accuracy"]]


def test_the_best_two_are_marked_where_each_is_really_better_than_all_below(results: Any) -> None:
    for method, right in (("last", 40), ("best", 118), ("second", 80)):
        results.classifier(method, right, 1)
    assert named(results) == ["best", "second"]
    table = results.table
    marks = block(table, leaders(table, {})).marks
    assert {table.rows[i].method: mark for (i, _), mark in marks.items()} == {"best": "best", "second": "second"}
    assert {block(table).headers[j] for _, j in marks} == {"accuracy ↑"}


def test_none_is_marked_where_the_first_two_cannot_be_told_apart(results: Any) -> None:
    for method, right in (("a", 118), ("b", 117), ("c", 40)):
        results.classifier(method, right, 1)
    assert named(results) == []
    assert "asked of accuracy." in block(results.table, leaders(results.table, {})).notes[0]


def test_a_first_is_marked_though_the_next_two_are_alike(results: Any) -> None:
    for method, right in (("a", 118), ("b", 61), ("c", 60)):
        results.classifier(method, right, 1)
    assert named(results) == ["a"]


def test_of_two_rows_the_worse_is_not_second(results: Any) -> None:
    for method, right in (("a", 118), ("b", 60)):
        results.classifier(method, right, 1)
    assert named(results) == ["a"]


def test_all_pairs_count_in_the_correction(results: Any) -> None:
    """Seven images more and none less are p = 2 / 2 ** 7 by McNemar's exact test. With four rows that is the largest of
    five differences among six pairs, with five of seven among ten: what decides nothing counts as larger."""
    p = stats.binomtest(7, 7).pvalue
    assert (6 - 4) * p < 0.05 < (10 - 6) * p
    for method, right in (("a", 109), ("b", 102), ("c", 50), ("d", 40)):
        results.classifier(method, right, 1)
    assert named(results) == ["a", "b"]
    results.classifier("e", 30, 1)
    assert named(results) == []


def test_a_difference_inside_the_floor_is_none(results: Any) -> None:
    for method, right in (("a", 118), ("b", 80)):
        results.classifier(method, right, 1)
    assert named(results, accuracy=Floor(absolute=0.9)) == []


def test_the_lower_is_better_where_it_is_and_without_evidence_nothing_is_told(results: Any) -> None:
    for method, value in (("a", 1.0), ("b", 2.0)):
        figure = Figure(value=value, unit="distance", better="lower")
        results.add(method, "cls", results.predictions(60), metrics={"unknown": figure})
    assert leaders(results.table, {}) == {}


@pytest.mark.parametrize("seeds", [(0, 1)])
def test_rows_of_several_seeds_are_told_apart(results: Any, seeds: tuple[int, ...]) -> None:
    for method, right in (("a", 118), ("b", 60)):
        for seed in seeds:
            results.classifier(method, right, 1, seed=seed)
    assert named(results) == ["a"]


def test_what_could_not_be_tested_is_not_said_to_have_been(results: Any) -> None:
    for method, right in (("a", 118), ("b", 61), ("c", 60)):
        results.classifier(method, right, 1)
    for file in (results.cells[2].folder / "evidence").glob("samples-*"):
        file.unlink()
    assert leaders(results.table, {}) == {}
    assert not any("asked of" in note for note in block(results.table, leaders(results.table, {})).notes)


def test_what_may_be_equivalent_is_not_better() -> None:
    """A difference that is surely there, and surely smaller than what matters."""
    gap = Difference(0.0066, 0.0042, 0.009, 0.0046, 0.0086, 0.0012, 4e-8, "test images")
    row = Row((), "a")
    vars(row)["metrics"] = {"accuracy": Figure(value=0.9, better="higher")}
    for floor, better in ((0.01, False), (0.001, True)):
        (found,) = _better({("accuracy", row, row): gap}, {"accuracy": Floor(floor)}, 45).values()  # type: ignore[dict-item]
        assert found is better
