"""The baseline of the verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from symmbench.bench.compare.verdicts import against, called, judge
from symmbench.bench.records import Figure
from symmbench.symmflow.errors import InputError


def test_a_baseline_must_be_one_row(results: Any) -> None:
    results.classifier("a", 100, 1)
    for precision in ("fp32", "bf16"):
        results.classifier("b", 90, 1, precision=precision)
    (found,) = judge([results.table], "b@1", {})
    assert [(row.method, base.record.precision) for row, base, _ in found.verdicts] == [("a", "fp32")]
    results.classifier("c", 95, 1, precision="fp16")
    with pytest.raises(InputError, match="2 rows that could be the baseline"):
        judge([results.table], "b@1", {})


def test_a_row_against_all_is_what_its_name_gives_as_baseline(results: Any) -> None:
    """Rows of one method that differ in the solver and the step count, and another method."""
    for place, (method, solver, steps) in enumerate(
        [("m", "euler", 5), ("m", "heun", 5), ("m", "euler", 1), ("other", "euler", 5)]
    ):
        right = 60 + 15 * place
        metrics = {"accuracy": Figure(value=right / results.n)}
        results.add(method, "cls", results.predictions(right), solver=solver, steps=steps, metrics=metrics)
    table = results.table
    for base in table.rows:
        name = called([table], base)
        (judged,) = judge([table], name, {})
        assert judged.verdicts == against(table, base, {}).verdicts and len(judged.verdicts) == 3
    assert [called([table], row) for row in table.rows] == ["m@1", "m@5,euler", "m@5,heun", "other@5"]
