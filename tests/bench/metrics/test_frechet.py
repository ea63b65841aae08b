"""Distances of sets of features: closed forms, jackknives by hand; beside other implementations: tests/bench/checks."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t as student
from torchmetrics.image.kid import poly_mmd

from symmbench.bench.metrics.frechet import Moments, at_infinity, frechet, frechet_distance, kernel_distance, whole
from symmbench.bench.statistics import GROUPS, groups_of


def features(seed: int, n: int = 300, d: int = 16, shift: float = 0.0) -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(seed)
    mix = random.normal(size=(d, d)) / np.sqrt(d)
    return (random.normal(size=(n, d)) @ mix + shift).astype(np.float32), [f"id-{i}" for i in range(n)]


def test_moments_of_features_are_those_of_numpy() -> None:
    """And so the distance of features is that of their means and covariances, which others know."""
    (a, ids), (b, _) = features(0), features(1, shift=0.3)
    known = [
        part for x in (a, b) for part in (x.astype(np.float64).mean(0), np.cov(x.astype(np.float64), rowvar=False))
    ]
    assert frechet(whole(a, ids), whole(b, ids)).interval.value == pytest.approx(frechet_distance(*known), rel=1e-9)


def test_frechet_distance_of_diagonal_covariances_by_hand() -> None:
    diagonal = frechet_distance(np.zeros(3), np.diag([1.0, 4.0, 9.0]), np.ones(3), np.diag([4.0, 4.0, 1.0]))
    assert diagonal == pytest.approx(3 + (1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_frechet_of_a_set_with_itself_is_zero_and_a_rank_deficient_one_finite() -> None:
    a, ids = features(0)
    assert frechet(whole(a, ids), whole(a, ids)).interval.value == pytest.approx(0, abs=1e-8)
    few, few_ids = features(3, n=8)
    assert np.isfinite(frechet(whole(few, few_ids), whole(a, ids)).interval.value)


def test_frechet_jackknife_deletes_groups_by_hand() -> None:
    (a, ids), (b, _) = features(0, n=200), features(1, n=200)
    groups = np.array([groups_of(ids)[i] for i in ids])
    without = [Moments.of(a[groups != g]).distance(Moments.of(b[groups != g])) for g in range(GROUPS)]
    found = frechet(whole(a, ids), whole(b, ids))
    assert found.without == pytest.approx(without, rel=1e-9)
    both = np.isin(groups, (3, 4))
    pair = Moments.of(a[~both]).distance(Moments.of(b[~both]))
    second = 20 * found.interval.value - 19 * (without[3] + without[4]) + 18 * pair
    assert found.second[3] == pytest.approx(second, rel=1e-6)
    variance = 19 / 20 * np.square(np.array(without) - np.mean(without)).sum() - np.var(found.second, ddof=1) / 2
    plain = 19 / 20 * np.square(np.array(without) - np.mean(without)).sum()
    half = student.ppf(0.975, 19 * variance / plain) * np.sqrt(variance)
    assert found.interval.high - found.interval.value == pytest.approx(half, rel=1e-5)


def test_fid_infinity_takes_the_bias_of_few_samples_off() -> None:
    """Gaussians of one covariance whose means are one apart: their distance is one."""
    random, made, ids = np.random.default_rng(0), [], [f"s{i}" for i in range(300)]
    for _ in range(30):
        a, b = random.normal(size=(2, 300, 16))
        found = frechet(whole(a, ids), whole(b + 0.25, ids))
        made.append((found.interval.value, at_infinity(found).interval.value))
    mean, error = np.mean(made, axis=0), np.std(made, axis=0) / np.sqrt(len(made))
    assert mean[0] > 1 + 5 * error[0] and abs(mean[1] - 1) < 4 * error[1]


def test_features_in_blocks_give_the_same_figures() -> None:
    (a, ids), (b, _) = features(0, n=200), features(1, n=200)

    def blocks(x: np.ndarray) -> Any:
        return lambda: [(ids[i : i + 30], x[i : i + 30]) for i in range(0, 200, 30)]

    for measure in (frechet, kernel_distance):
        whole_, parts = measure(whole(a, ids), whole(b, ids)), measure(blocks(a), blocks(b))
        assert parts.interval.value == pytest.approx(whole_.interval.value, rel=1e-9)
        assert parts.without == pytest.approx(whole_.without, rel=1e-9)


def test_kid_jackknife_leaves_a_group_out() -> None:
    (a, ids), (b, _) = features(0), features(1)
    groups = np.array([groups_of(ids)[i] for i in ids])
    without = [
        poly_mmd(torch.from_numpy(a[groups != g]).double(), torch.from_numpy(b[groups != g]).double()).item()
        for g in range(GROUPS)
    ]
    assert kernel_distance(whole(a, ids), whole(b, ids)).without == pytest.approx(without, rel=1e-5)


def test_features_need_two_axes() -> None:
    with pytest.raises(ValueError, match=r"\[n, D\]"):
        Moments.of(np.zeros(5))
