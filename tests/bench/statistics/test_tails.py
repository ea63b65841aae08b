"""Tails and quantiles are scipy's to the last bit, so that no figure moves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from symmbench.bench.statistics.tails import normal_above, normal_quantile, student_above, student_quantile

SHARES = (0.5, 0.9, 0.95, 0.975, 0.99, 0.999999)


@pytest.mark.parametrize("freedom", [0.3, 1, 2.5, 19, 19.7, 399, 1e6, float("inf")])
def test_students(freedom: float) -> None:
    found = stats.t(freedom)
    for x in (*np.random.default_rng(0).normal(0, 5, 200), 0.0, 40.0, -40.0, float("inf")):
        assert student_above(float(x), freedom) == float(found.sf(x))
    assert [student_quantile(share, freedom) for share in SHARES] == found.ppf(SHARES).tolist()


def test_normal() -> None:
    for x in (*np.random.default_rng(0).normal(0, 8, 200), 0.0, 40.0):
        assert normal_above(float(x)) == float(stats.norm.sf(x))
    assert [normal_quantile(share) for share in SHARES] == stats.norm.ppf(SHARES).tolist()
