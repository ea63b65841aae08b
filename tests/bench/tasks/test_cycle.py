"""The unified models' own task: there and back."""

from __future__ import annotations

from pathlib import Path

from symmbench.bench import rescore, run


def test_cycles_cost_both_directions_twice(tmp_path: Path) -> None:
    few, many = run(tasks="cycle", datasets="digit-scenes", steps=[1, 3], limit=10, out=tmp_path)
    assert (few.nfe, many.nfe) == (4, 12)
    assert {m.partition("[")[0] for m in few.metrics} == {"cycle_miou", "cycle_features"}
    assert few.absent.keys() == {"cycle_lpips"} and 0 < few.metrics["cycle_miou"].value < 1
    again = rescore(tmp_path)
    assert [one.changed for one in again.made] == [{}, {}]
    assert again.made[0].after.absent == few.absent


def test_a_cycle_of_a_method_that_is_right_comes_back(tmp_path: Path) -> None:
    """On classes SymmFlow's samples are seen as what they were made of far more often than by chance."""
    (record,) = run(tasks="cycle", datasets="digits", steps=[5], limit=40, out=tmp_path)
    assert record.metrics["cycle_accuracy"].value > 0.5
