import numpy as np
import pytest
from scipy import stats

from symmbench.bench.statistics import (
    bootstrap,
    mcnemar,
    over_seed_pairs,
    paired_bootstrap,
    paired_jackknife,
    paired_shares,
)


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
    edge = max(abs(found.inner_low), found.inner_high)
    assert found.within(edge) == pytest.approx(0.05) and found.within(0.2) < 0.05 < found.within(0.01)
