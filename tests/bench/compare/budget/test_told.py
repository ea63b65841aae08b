"""What a budget calls things, what it leaves out, and which commands it names: on made-up cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from symmbench.bench.compare.budget import budget
from symmbench.bench.compare.budget.changes import PROTOCOL, RULED, changes
from symmbench.bench.compare.departures import departures
from symmbench.bench.protocols import Rules, rules
from symmbench.reports.published import of
from symmbench.symmflow.errors import InputError


def under(name: str) -> dict[str, Any]:
    return {"protocol": {"name": "p", "hash": name}}


def test_what_rules_decide_is_said_in_their_word(results: Any) -> None:
    assert PROTOCOL.keys() >= RULED.keys() and Rules.model_fields.keys() >= set(RULED.values())
    for name, where in (("h", "view"), ("o", "original")):
        said = rules("harness").model_copy(update={"scored_at": where})
        results.protocol(name, task="ss", masks=True, rules=said, policy={"scored at": f"the {where} size"})
        results.add("a", "ss", results.confusion(0.5), **under(name))
    (found,) = changes("miou", *results.cells).values()
    assert str(found) == "scored size: view -> original"


def test_of_a_figure_the_split_departs_too(results: Any) -> None:
    results.classifier("symmflow", 60, 1)
    (record,) = [cell.record for cell in results.cells]
    p = next(p for p in of("cls", "two-spirals") if p.split == "test")
    assert departures(record, replace(p, split="train")) == ["the test split, not train", *departures(record, p)]


def test_a_cell_without_its_protocol_is_left_out_unless_it_is_an_end(results: Any) -> None:
    for name, n in (("h", 60), ("o", 120)):
        results.protocol(name, n=n)
        results.classifier("a", n, 1, **under(name))
    near, far = results.cells
    results.classifier("a", 60, 1, **under("lost"))
    found = budget(near, far, results.cells)
    assert [part.names for part in found.parts] == [("sample count",)]
    assert "lacks the protocol" in found.notes[-1]
    with pytest.raises(InputError, match="lacks the protocol"):
        budget(near, results.cells[-1], results.cells)
