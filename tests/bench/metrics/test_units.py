"""What a metric's unit decides, and what a reader is told of the number of features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench import statistics
from symmbench.bench.compare.tables import notes, tables
from symmbench.bench.metrics import Subject, Values, difference_over_seeds, metric
from symmbench.bench.records import Evidence, Figure, Shard, write_shard

IDS = tuple(f"{i:03d}" for i in range(60))


def values(right: int) -> Values:
    return Values(IDS, (np.arange(60) < right).astype(float))


def test_values_of_0_and_1_are_a_share_where_the_metric_is_one() -> None:
    share = metric("accuracy").figure(values(50))
    assert (share.low, share.high) == pytest.approx((statistics.wilson(50, 60).low, statistics.wilson(50, 60).high))
    assert values(50).minus(values(40), True) == statistics.paired_shares(values(50).values > 0, values(40).values > 0)
    assert difference_over_seeds([values(50)], [values(40)], True).p == statistics.mcnemar(10, 0)


def test_a_distance_of_0_and_1_is_no_share() -> None:
    distance = metric("brier").figure(values(50))
    mean = statistics.bootstrap(values(50).at, 60)
    assert (
        (distance.low, distance.high)
        == (mean.low, mean.high)
        != pytest.approx((statistics.wilson(50, 60).low, statistics.wilson(50, 60).high))
    )
    gap = difference_over_seeds([values(50)], [values(40)], metric("brier").share)
    error = np.sqrt(10 / 60 * 50 / 60 / 60)
    assert gap.error == pytest.approx(error, rel=0.1) and gap.p != statistics.mcnemar(10, 0)


def features(folder: Path, n: int) -> Evidence:
    rows = np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32)
    table = pd.DataFrame({"id": [f"{i:05d}" for i in range(n)], "draw": 0, "features": list(rows)})
    write_shard(folder, 0, Shard({"samples": table}, []))
    return Evidence(folder, 1)


@pytest.mark.parametrize(("made", "real"), [(200, 20), (20, 200), (40, 40)])
def test_n_over_d_counts_the_smaller_side(results: Any, tmp_path: Path, made: int, real: int) -> None:
    evidence = features(tmp_path / "made", made)
    evidence.reference = features(tmp_path / "real", real)
    said = metric("fid").details(evidence, Subject((), masks=True))["features"]
    assert said["n_over_d"] == min(made, real) / 8
    fid = {"fid[x]": Figure(value=1.0, unit="distance", better="lower")}
    results.add("m", "sis", results.predictions(1), metrics=fid, details={"features": said})
    (shown,) = (note for note in notes(tables(results.cells)[0]) if note.startswith("features"))
    assert f"n/d = {min(made, real) / 8:g}" in shown and (f"and {real} real images" in shown) == (made != real)
