"""A record comes out again, or it is said why not."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def cell(bench: Any, tmp_path: Path) -> Path:
    done = bench("run", "-t", "cls", "-d", "two-spirals", "--steps", "2", "--limit", "300")
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "results").glob("*/*/*/record.json")
    return record.parent


def test_a_record_comes_out_bit_for_bit(bench: Any, cell: Path) -> None:
    done = bench("reproduce", str(cell))
    assert done.returncode == 0 and done.stdout.strip().endswith("comes out bit for bit."), done.stdout + done.stderr


def test_a_record_that_was_changed_does_not_come_out(bench: Any, cell: Path) -> None:
    record = json.loads((cell / "record.json").read_text())
    record["metrics"]["accuracy"]["value"] += 0.01
    (cell / "record.json").write_text(json.dumps(record))
    done = bench("reproduce", str(cell / "record.json"))
    assert done.returncode == 1 and "accuracy" in done.stdout and "does not come out" in done.stdout


def test_another_checkpoint_or_nothing_at_all_is_refused(bench: Any, cell: Path, tmp_path: Path) -> None:
    record = json.loads((cell / "record.json").read_text())
    record["checkpoint"]["fingerprint"] = "0" * 64
    (cell / "record.json").write_text(json.dumps(record))
    done = bench("reproduce", str(cell))
    assert done.returncode == 2 and "was made with checkpoint 000000000000" in done.stderr
    done = bench("reproduce", str(tmp_path / "nowhere"))
    assert done.returncode == 2 and "there is no record at" in done.stderr
