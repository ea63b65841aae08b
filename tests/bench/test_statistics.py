import numpy as np
import pytest
from scipy import stats

from symmbench.bench.statistics import (
    bootstrap,
    holm,
    jackknife,
    mcnemar,
    over_seed_pairs,
    over_seeds,
    paired_bootstrap,
    paired_jackknife,
    paired_shares,
    resampled,
    spread,
    wilson,
)


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


def test_jackknife_of_a_mean_is_its_t_interval() -> None:
    values = np.random.default_rng(1).normal(size=20)
    without = [np.delete(values, i).mean() for i in range(20)]
    found = jackknife(values.mean(), without)
    assert found.high - found.value == pytest.approx(2.093 * values.std(ddof=1) / np.sqrt(20), rel=1e-3)


def test_over_seeds_is_a_t_interval() -> None:
    found = over_seeds([1.0, 2.0, 3.0])
    assert found.value == 2 and found.high - 2 == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    with pytest.raises(ValueError):
        over_seeds([1.0])


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_wilson_covers(p: float) -> None:
    random = np.random.default_rng(2)
    hits = [wilson(int(k), 300) for k in random.binomial(300, p, size=600)]
    share = np.mean([i.low <= p <= i.high for i in hits])
    assert 0.92 <= share <= 0.98


def test_mcnemar_is_a_sign_test() -> None:
    assert mcnemar(0, 0) == 1 and mcnemar(5, 5) == 1
    assert mcnemar(9, 1) == pytest.approx(2 * sum(stats.binom.pmf(k, 10, 0.5) for k in (0, 1)))
    assert mcnemar(1, 9) == mcnemar(9, 1)


def test_paired_shares_by_their_formula() -> None:
    a = np.array([True] * 80 + [False] * 20)
    b = np.array([True] * 70 + [False] * 28 + [True] * 2)
    found = paired_shares(a, b)
    p10, p01 = 11 / 102, 3 / 102  # 10 only a, 2 only b
    half = 1.959964 * np.sqrt((p10 + p01 - (p10 - p01) ** 2) / 102)
    assert found.value == pytest.approx(0.08)
    assert (found.low, found.high) == (pytest.approx(p10 - p01 - half), pytest.approx(p10 - p01 + half))
    assert found.p == mcnemar(10, 2)
    turned = paired_shares(b, a)
    assert (turned.low, turned.high) == (pytest.approx(-found.high), pytest.approx(-found.low))
    same = paired_shares(a, a)
    assert same.p == 1 and same.low < 0 < same.high
    with pytest.raises(ValueError):
        paired_shares(a, b[:5])


def test_paired_bootstrap_is_narrower_than_its_parts() -> None:
    random = np.random.default_rng(0)
    common = random.normal(size=1000)
    a, b = common + 0.1 * random.normal(size=1000) + 0.05, common + 0.1 * random.normal(size=1000)
    gap = a - b
    found = paired_bootstrap(lambda w: w @ gap / w.sum(axis=1), 1000)
    assert found.error == pytest.approx(gap.std() / np.sqrt(1000), rel=0.06)
    assert found.low < found.inner_low < found.value < found.inner_high < found.high
    assert found.p == pytest.approx(2 * stats.norm.sf(found.value / found.error)) and found.p < 1e-6
    alone = bootstrap(lambda w: w @ a / w.sum(axis=1), 1000)
    assert alone.high - alone.low > 5 * (found.high - found.low)
    nothing = paired_bootstrap(lambda w: np.zeros(len(w)), 10)
    assert nothing.p == 1 and nothing.low == nothing.high == 0


def test_paired_jackknife_of_means_is_the_paired_t_test() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=20), random.normal(size=20)
    without = [[np.delete(x, i).mean() for i in range(20)] for x in (a, b)]
    found = paired_jackknife(a.mean() - b.mean(), *without)
    expected = stats.ttest_rel(a, b)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (found.inner_low, found.inner_high) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    seeds = over_seed_pairs(a, b)
    assert seeds.p == pytest.approx(expected.pvalue) and seeds.covers == "generation seeds"


def test_equivalence_needs_the_inner_interval_inside_the_floor() -> None:
    found = over_seed_pairs([1.0, 1.1, 0.9, 1.0], [1.0, 1.0, 1.0, 1.05])
    assert found.within(0.2) and not found.within(abs(found.inner_low)) and not found.within(0.01)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0]) and holm([]) == []


def test_spread_takes_the_sources_apart() -> None:
    random = np.random.default_rng(2)
    runs = random.normal(scale=3.0, size=400)[:, None] + random.normal(scale=1.0, size=(400, 5))
    found = spread(runs.tolist(), image_error=0.5)
    assert found.images == 0.5
    assert found.generation == pytest.approx(1.0, rel=0.1) and found.training == pytest.approx(3.0, rel=0.1)
    assert spread([[1.0]]).training is None and spread([[1.0]]).generation is None
    assert spread([[1.0, 2.0], [1.0, 2.0]]).training == 0
