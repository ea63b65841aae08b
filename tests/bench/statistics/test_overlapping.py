"""Differences of figures of sets that overlap, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from symmbench.bench import statistics


def mean(values: np.ndarray) -> object:
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_errors_are_those_of_nested_same_and_separate_sets() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=400)
    ids = [f"{i:03d}" for i in range(400)]
    s = x.std()

    def error(a: slice, b: slice) -> float:
        found = statistics.overlapping_bootstrap(mean(x[a]), mean(x[b]), ids[a], ids[b])  # type: ignore[arg-type]
        assert found.value == pytest.approx(x[a].mean() - x[b].mean())
        return found.error

    part, whole, rest = slice(0, 100), slice(0, 400), slice(100, 400)
    # a part less the whole is 3/4 of (part - rest), whose variance is s^2 (1/100 + 1/300)
    assert error(part, whole) == pytest.approx(0.75 * s * np.sqrt(1 / 100 + 1 / 300), rel=0.1)
    assert error(part, rest) == pytest.approx(s * np.sqrt(1 / 100 + 1 / 300), rel=0.1)
    assert error(whole, whole) == 0
    independent = statistics.independent(0.0, (s / 10, s / 20), 1e9)
    assert independent.error > error(part, whole) and independent.high == pytest.approx(
        1.96 * independent.error, rel=1e-3
    )
