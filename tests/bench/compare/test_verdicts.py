"""The baseline of the verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from symmbench.bench.compare.verdicts import judge
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
