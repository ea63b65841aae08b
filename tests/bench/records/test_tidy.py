"""Records as rows of one table."""

from pathlib import Path

import pandas as pd

import symmbench.bench as harness


def test_store_reads_as_one_table(tmp_path: Path) -> None:
    harness.run(tasks="cls", datasets="two-spirals", steps=[1, 2], limit=100, out=tmp_path)
    frame = harness.load(tmp_path)
    assert isinstance(frame, pd.DataFrame) and not frame.duplicated(["key", "metric"]).any()
    accuracy = frame[frame["metric"] == "accuracy"]
    assert sorted(accuracy["steps"]) == [1, 2] and set(accuracy["dataset"]) == {"two-spirals"}
    assert accuracy["low"].gt(0).all() and accuracy["high"].le(1).all()
    assert (accuracy["low"] <= accuracy["value"]).all() and (accuracy["value"] <= accuracy["high"]).all()
    absent = frame[frame["metric"] == "ece"]
    assert len(absent) == 2 and absent["value"].isna().all() and absent["absent"].str.contains("no probabilities").all()
