"""Fréchet distance and kernel distance (KID) between two sets of features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..statistics import GROUPS, Jackknifed, groups_of

Array = np.ndarray


def frechet_distance(mean_a: Array, cov_a: Array, mean_b: Array, cov_b: Array) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) in float64 (Heusel et al. 2017, eq. 6).

    The trace of the root is the sum of the roots of the eigenvalues of R^T C_b R for any R with R R^T = C_a: a
    symmetric eigenproblem, no complex numbers. R is the Cholesky factor, or the symmetric root where C_a lacks rank.
    """
    try:
        root = np.linalg.cholesky(cov_a)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(cov_a)
        root = vectors * np.sqrt(values.clip(min=0))
    inner = root.T @ cov_b @ root
    cross = np.sqrt(np.linalg.eigvalsh((inner + inner.T) / 2).clip(min=0)).sum()
    return float(np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


@dataclass(frozen=True)
class Moments:
    """Count, sum [D] and sum of outer products [D, D], float64: they add up and subtract."""

    n: int
    total: Array
    outer: Array

    @classmethod
    def of(cls, features: Array) -> Moments:
        """features: [n, D]; a single sample must still have both axes."""
        if features.ndim != 2:
            raise ValueError(f"features must be [n, D], not {features.shape}")
        f = features.astype(np.float64)
        return cls(len(f), f.sum(axis=0), f.T @ f)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.outer + other.outer)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.n - other.n, self.total - other.total, self.outer - other.outer)

    def gaussian(self) -> tuple[Array, Array]:
        """Mean [D] and unbiased covariance [D, D]."""
        mean = self.total / self.n
        return mean, (self.outer - self.n * np.outer(mean, mean)) / (self.n - 1)

    def distance(self, other: Moments) -> float:
        return frechet_distance(*self.gaussian(), *other.gaussian())


Blocks = Callable[[], Iterable[tuple[Sequence[str], Array]]]
"""Gives blocks of (ids, features [n, D]) anew on every call, so that no set of features need lie in memory."""


def whole(features: Array, ids: Sequence[str]) -> Blocks:
    """Features that lie in memory, as one block."""
    return lambda: [(ids, features)]


def frechet(features: Blocks, reference: Blocks) -> Jackknifed:
    """Fréchet distance of two sets of features, its interval by deleting groups of ids on both sides."""
    groups, shift = _groups(features, reference), _mean(reference)  # moments near zero lose no digits
    a, b = _grouped(features, shift, groups), _grouped(reference, shift, groups)
    present = np.array([min(x.n, y.n) > 0 for x, y in zip(a, b, strict=True)])
    everything = _sum(a), _sum(b)

    def distance(keep: Array) -> float:
        left_a, left_b = everything
        for g in np.flatnonzero(~keep):  # cheaper than adding up the many that stay
            left_a, left_b = left_a - a[g], left_b - b[g]
        return left_a.distance(left_b)

    return Jackknifed.of(present, distance, pairs=True)


def frechet_to(features: Blocks, mean: Array, covariance: Array) -> Jackknifed:
    """Fréchet distance of features to a Gaussian that is given; its interval by deleting groups of ids."""
    groups = groups_of(i for ids, _ in features() for i in ids)
    parts = _grouped(features, mean, groups)
    everything, nowhere = _sum(parts), np.zeros_like(mean)

    def distance(keep: Array) -> float:
        left = everything
        for g in np.flatnonzero(~keep):
            left = left - parts[g]
        return frechet_distance(*left.gaussian(), nowhere, covariance)

    return Jackknifed.of(np.array([part.n > 0 for part in parts]), distance, pairs=True)


def at_infinity(distance: Jackknifed) -> Jackknifed:
    """FID-infinity: the Fréchet distance extrapolated to endless samples on both sides (Chong and Forsyth 2020).

    The distance of n samples is too large by about c / n. They fit a line in 1 / n through distances of subsets; here
    the line goes through the distance of all and the mean of those without one group, which are at hand: the
    jackknife's own correction of bias (Quenouille 1956). In simulations both spread alike.
    """
    groups, value = len(distance.without), distance.interval.value
    if not groups:
        return distance
    without, second = np.array(distance.without), np.array(distance.second)
    return Jackknifed.from_values(float(groups * value - (groups - 1) * without.mean()), without, second)


def kernel_distance(features: Blocks, reference: Blocks) -> Jackknifed:
    """KID: unbiased squared MMD with the kernel (x.y / D + 1)^3 (Binkowski et al. 2018), over all pairs.

    All pairs instead of random subsets: the same expectation, less spread, nothing to seed. Kernel sums are kept by
    pairs of id groups, so that leaving a group out costs nothing.
    """
    groups = _groups(features, reference)
    within_a, own_a, sizes_a = _within(features, groups)
    within_b, own_b, sizes_b = _within(reference, groups)
    between = np.zeros((GROUPS, GROUPS))
    for ids, x in features():
        for others, y in reference():
            between += _kernel_sums(_members(ids, groups), x, _members(others, groups), y)

    def mmd(keep: Array) -> float:
        n, m = sizes_a[keep].sum(), sizes_b[keep].sum()
        grid = np.ix_(keep, keep)
        aa = (within_a[grid].sum() - own_a[keep].sum()) / (n * (n - 1))
        bb = (within_b[grid].sum() - own_b[keep].sum()) / (m * (m - 1))
        return float(aa + bb - 2 * between[grid].sum() / (n * m))

    return Jackknifed.of((sizes_a > 0) & (sizes_b > 0), mmd, pairs=True)


def _groups(features: Blocks, reference: Blocks) -> dict[str, int]:
    return groups_of(i for side in (features, reference) for ids, _ in side() for i in ids)


def _members(ids: Sequence[str], groups: Mapping[str, int]) -> Array:
    """One-hot groups of ids, [n, GROUPS]."""
    return np.eye(GROUPS)[[groups[i] for i in ids]]


def _mean(features: Blocks) -> Array:
    total, n = np.zeros(1), 0
    for _, block in features():
        total, n = total + block.sum(axis=0, dtype=np.float64), n + len(block)
    return total / n


def _grouped(features: Blocks, shift: Array, groups: Mapping[str, int]) -> list[Moments]:
    d = len(shift)
    moments = [Moments(0, np.zeros(d), np.zeros((d, d))) for _ in range(GROUPS)]
    for ids, block in features():
        if block.ndim != 2 or len(block) != len(ids):
            raise ValueError(f"features {block.shape} do not match {len(ids)} ids")
        mine = np.array([groups[i] for i in ids])
        for g in np.unique(mine):
            moments[g] = moments[g] + Moments.of(block[mine == g] - shift)
    return moments


def _sum(parts: list[Moments]) -> Moments:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _kernel_sums(groups_x: Array, x: Array, groups_y: Array, y: Array) -> Array:
    """Sums of the kernel over pairs, by groups: [GROUPS, GROUPS]."""
    kernel = (x.astype(np.float64) @ y.astype(np.float64).T / x.shape[1] + 1) ** 3
    return np.asarray(groups_x.T @ (kernel @ groups_y))


def _within(features: Blocks, groups: Mapping[str, int]) -> tuple[Array, Array, Array]:
    """Kernel sums of a set with itself by groups, of every sample with itself, and sizes of the groups."""
    sums, own, sizes = np.zeros((GROUPS, GROUPS)), np.zeros(GROUPS), np.zeros(GROUPS)
    for i, (ids, x) in enumerate(features()):
        mine = _members(ids, groups)
        sizes += mine.sum(axis=0)
        own += mine.T @ (np.square(x, dtype=np.float64).sum(axis=1) / x.shape[1] + 1) ** 3
        for j, (others, y) in enumerate(features()):
            if j > i:
                break
            block = _kernel_sums(mine, x, _members(others, groups), y)
            sums += block if j == i else block + block.T
    return sums, own, sizes
