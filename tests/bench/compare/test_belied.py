"""A figure that its evidence does not give is kept in no baseline, and passes no gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symmbench.bench.compare import baseline
from symmbench.bench.compare.gate import gate
from symmbench.bench.records import Figure
from symmbench.symmflow.errors import InputError


@pytest.mark.parametrize(
    ("said", "rows", "why"),
    [
        (0.75, 120, "the record says 0.75, and its evidence gives 0.916667"),
        (110 / 120, 60, r"does not hold every sample once \(60 of 120, 60 rows\)"),
    ],
)
def test_a_figure_that_its_evidence_belies(results: Any, tmp_path: Path, said: float, rows: int, why: str) -> None:
    tables = results.predictions(110)
    results.add("m", "cls", tables, metrics={"accuracy": Figure(value=110 / 120)})
    results.add("m", "cls", {"samples": tables["samples"][:rows]}, metrics={"accuracy": Figure(value=said)})
    good, bad = results.cells
    (good.folder / "record.json").rename(tmp_path / "aside.json")  # two of one name are no baseline
    with pytest.raises(InputError, match=why):
        baseline.save([results.root], tmp_path / "a.zip")
    for base, ours in ((good, bad), (bad, good)):
        report = gate([base], [ours], {})
        assert [check.status for check in report.checks if check.metric] == ["missing"] and report.exit_code == 2
    assert gate([good], [good], {}).exit_code == 0
