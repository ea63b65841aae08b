import numpy as np
import pytest

from symmbench.bench.statistics import GROUPS, Jackknifed, groups_of, jackknife, jackknife_error


def test_jackknife_of_a_mean_is_its_t_interval() -> None:
    values = np.random.default_rng(1).normal(size=20)
    without = [np.delete(values, i).mean() for i in range(20)]
    found = jackknife(values.mean(), without)
    assert found.high - found.value == pytest.approx(2.093 * values.std(ddof=1) / np.sqrt(20), rel=1e-3)


def test_groups_are_equally_large_and_fixed_by_the_ids() -> None:
    ids = [f"id-{i}" for i in range(203)]
    dealt = groups_of(ids)
    assert sorted(np.bincount(list(dealt.values()))) == [10] * 17 + [11] * 3
    assert groups_of(ids[::-1] + ids[:5]) == dealt


def test_the_corrected_error_of_a_quadratic_figure_is_the_true_one() -> None:
    """|mean|^2 of noise around nothing has no linear part: the plain jackknife doubles its variance."""
    random, values, plain, corrected = np.random.default_rng(0), [], [], []
    for _ in range(400):
        means = random.normal(size=(GROUPS, 30))

        def measure(keep: np.ndarray, means: np.ndarray = means) -> float:
            return float(np.square(means[keep].mean(axis=0)).sum())

        found = Jackknifed.of(np.ones(GROUPS, dtype=bool), measure, pairs=True)
        values.append(found.interval.value)
        plain.append(jackknife_error(found.without) ** 2)
        corrected.append(jackknife_error(found.without, found.second) ** 2)
    true = np.var(values, ddof=1)
    assert np.mean(plain) / true == pytest.approx(2, rel=0.25)
    assert np.mean(corrected) / true == pytest.approx(1, rel=0.3)
