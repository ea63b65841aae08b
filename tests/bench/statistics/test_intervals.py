import numpy as np
import pytest

from symmbench.bench.statistics import bootstrap, resampled, wilson


def test_wilson_by_its_formula() -> None:
    n, k, z = 400, 388, 1.959963984540054
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = wilson(k, n)
    assert (found.low, found.high) == (pytest.approx(centre - half), pytest.approx(centre + half))
    assert wilson(0, 10).low == pytest.approx(0, abs=1e-12) and wilson(10, 10).high == pytest.approx(1)
    with pytest.raises(ValueError):
        wilson(11, 10)


def test_bootstrap_of_a_mean_is_its_normal_interval() -> None:
    values = np.random.default_rng(0).normal(size=2000)
    found = bootstrap(lambda w: w @ values / w.sum(axis=1), len(values))
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    again = bootstrap(lambda w: w @ values / w.sum(axis=1), len(values))
    assert again == found


def test_bootstrap_counts_a_bias_once() -> None:
    """A variance of few values is too low, that of their resamples lower still; the interval leans up, not down."""
    values = np.random.default_rng(3).normal(size=12)

    def variance(w: np.ndarray) -> np.ndarray:
        mean = w @ values / w.sum(axis=1)
        return w @ values**2 / w.sum(axis=1) - mean**2

    found, plain = bootstrap(variance, 12), np.quantile(resampled(variance, 12, 1000), [0.025, 0.975])
    assert plain.mean() < found.value < (found.low + found.high) / 2
    same = bootstrap(lambda w: np.ones(len(w)), 12)
    assert (same.low, same.high) == (1, 1)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_wilson_covers(p: float) -> None:
    random = np.random.default_rng(2)
    hits = [wilson(int(k), 300) for k in random.binomial(300, p, size=600)]
    share = np.mean([i.low <= p <= i.high for i in hits])
    assert 0.92 <= share <= 0.98
