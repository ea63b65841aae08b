"""Which rows stand beside each other, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from symmbench.bench.compare.choice import Filter, check_protocols, choose
from symmbench.bench.compare.fronts import front
from symmbench.bench.compare.tables import sort, tables
from symmbench.symmflow.errors import InputError


def test_rows_of_two_protocols_are_refused_and_the_fields_named(results: Any) -> None:
    results.classifier("a", 100, 1)
    results.classifier("b", 90, 1, protocol={"name": "q", "hash": "other", "rules": "sdm"})
    for name, split in (("h", "test"), ("other", "validation")):
        results.protocol(name, split=split, policy={"uint8": split})
    with pytest.raises(
        InputError, match=r"2 protocols: .*They differ in split, policy.uint8\. Choose one with --protocol h"
    ):
        check_protocols(results.cells)
    for wanted in ("sdm", "oth"):
        check_protocols(choose(results.cells, Filter(protocol=wanted)))
    (mixed,) = tables(results.cells, mixed=True)
    assert len(mixed.rows) == 2 and mixed.stamp.startswith("NOT COMPARABLE") and "split, policy.uint8" in mixed.stamp
    with pytest.raises(InputError, match="several protocols"):
        front(mixed, "accuracy", {})
    assert [t.stamp for t in tables(results.cells)] == ["", ""]


def test_filters(results: Any) -> None:
    results.classifier("a", 100, 1)
    results.classifier("a", 100, 5)
    assert [c.record.steps for c in choose(results.cells, Filter(steps=[5]))] == [5]
    with pytest.raises(InputError, match="did you mean"):
        choose(results.cells, Filter(datasets=["dd"]))
    with pytest.raises(InputError, match="no record matches"):
        choose(results.cells, Filter(tasks=["ss"]))
    with pytest.raises(InputError, match="no record has --steps 3; there are 1, 5"):
        choose(results.cells, Filter(steps=[1, 3]))
    with pytest.raises(InputError, match="unknown protocol 'nope'"):
        choose(results.cells, Filter(protocol="nope"))


def test_sorting(results: Any) -> None:
    for method, right, nfe in (("a", 90, 5), ("b", 110, 9), ("c", 100, 1)):
        results.classifier(method, right, nfe)
    table = results.table
    sort([table], "accuracy")
    assert [r.method for r in table.rows] == ["b", "c", "a"]
    sort([table], "nfe")
    assert [r.method for r in table.rows] == ["c", "a", "b"]
    with pytest.raises(InputError, match="unknown metric"):
        sort([table], "fid")
