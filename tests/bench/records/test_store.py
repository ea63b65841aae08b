"""Stores of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symmbench.bench.records import read_stored


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
