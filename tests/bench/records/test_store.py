"""Stores of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symmbench.bench.records import read_record, read_stored
from symmbench.symmflow.errors import InputError


def test_cells_measured_twice_with_other_figures_are_collected(results: Any, tmp_path: Path) -> None:
    results.classifier("a", 100, 1, created="2026-01-01")
    folder = tmp_path / "later" / "d" / "cls" / "0"
    folder.mkdir(parents=True)
    record = results.cells[0].record.model_copy(update={"created": "2026-01-02", "metrics": {}})
    (folder / "record.json").write_text(record.model_dump_json())
    for folders in ([tmp_path, tmp_path / "later"], [tmp_path / "later", tmp_path]):
        replaced: list[Any] = []
        (newest,) = read_stored(folders, replaced)
        assert newest.record.created == "2026-01-02" and [r.created for r in replaced] == ["2026-01-01"]


def test_a_record_of_a_later_version_is_not_called_damaged(results: Any) -> None:
    """Who removed it would lose what only the newer one reads."""
    results.classifier("a", 100, 1)
    path = results.cells[0].folder / "record.json"
    path.write_text(path.read_text().replace('"schema_version":2', '"schema_version":3'))
    with pytest.raises(InputError, match=r"is a record of a newer symmbench \(schema 3, this one reads 2\)") as refused:
        read_record(path)
    assert "remove" not in str(refused.value)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("MemoryError: 3 GB", "MemoryError: 3 GB"),
        ('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nValueError: no', "ValueError: no"),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
            "torch.AcceleratorError: CUDA error: lost\n"
            "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
            "AcceleratorError: CUDA error: lost",
        ),
    ],
)
def test_a_failure_is_told_by_its_error(results: Any, reason: str, said: str) -> None:
    results.add("a", "cls", results.predictions(60), status="failed", reason=reason)
    assert results.cells[0].record.failure == said
