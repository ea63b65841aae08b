"""What a baseline keeps of a metric is all that the metric is."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.metrics import Groups, Sample, Values
from symmbench.bench.metrics.areas import PARTS, Areas
from symmbench.bench.metrics.segmentation import MeanIoU, PixelAccuracy
from symmbench.bench.records.shards import to_parquet
from symmbench.bench.statistics import jackknife_error, resampled

N = 24
IDS = tuple(f"test-{i:05d}" for i in range(N))


def areas(seed: int) -> Areas:
    """Images of five classes: one is of void alone, and the last class is met by none."""
    random = np.random.default_rng(seed)
    hit, missed, alarms = (random.integers(0, 50, (N, 5)).astype(float) for _ in range(3))
    found = Areas(hit, hit + missed, hit + alarms)
    for part in PARTS:
        getattr(found, part)[2] = 0
        getattr(found, part)[:, -1] = 0
    return found


def made(kind: str, seed: int) -> Sample:
    random = np.random.default_rng(seed)
    if kind == "values":
        return Values(IDS, random.normal(size=N))
    if kind == "right or wrong":
        return Values(IDS, random.integers(0, 2, N).astype(float))
    if kind == "mean IoU":
        return MeanIoU(IDS, areas(seed))
    if kind == "pixel accuracy":
        return PixelAccuracy(IDS, areas(seed))
    without = random.normal(1.0, 0.1, size=20).tolist()
    return Groups.kept(1.0, without, random.normal(size=20).tolist() if kind == "corrected groups" else [])


KINDS = ("values", "right or wrong", "mean IoU", "pixel accuracy", "groups", "corrected groups")


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_comes_back_from_its_file_bit_for_bit(kind: str) -> None:
    first, second = made(kind, 0), made(kind, 1)
    again = type(first).read(pd.read_parquet(io.BytesIO(to_parquet(first.frame()))))
    assert type(again) is type(first) and again.ids == first.ids and again.value == first.value
    weights = np.random.default_rng(2).multinomial(len(first.ids), np.full(len(first.ids), 1 / len(first.ids)), size=50)
    np.testing.assert_array_equal(again.at(weights.astype(float)), first.at(weights.astype(float)))
    for share in (True, False):
        assert again.interval(share) == first.interval(share)
        assert again.minus(type(second).read(second.frame()), share) == first.minus(second, share)


def test_classes_that_no_one_met_keep_their_place() -> None:
    ids, again = Areas.read(areas(0).frame(IDS))
    assert ids == IDS and all((getattr(again, part) == getattr(areas(0), part)).all() for part in PARTS)


def test_groups_are_resampled_as_widely_as_their_error() -> None:
    random = np.random.default_rng(0)
    for second in (np.empty(0), random.normal(scale=0.3, size=20)):
        found = Groups(tuple("abcdefghijklmnopqrst"), 5.0, 5 + random.normal(scale=0.05, size=20), second)
        drawn = resampled(found.at, 20, 4000)
        error = jackknife_error(found.without.tolist(), found.second.tolist())
        assert drawn.mean() == pytest.approx(5, abs=0.05) and drawn.std() == pytest.approx(error, rel=0.1)
