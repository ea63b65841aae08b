"""Fréchet distance and kernel distance (KID) between two sets of features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..statistics import Interval, jackknife

Array = np.ndarray
GROUPS = 20


def frechet_distance(mean_a: Array, cov_a: Array, mean_b: Array, cov_b: Array) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) in float64 (Heusel et al. 2017, eq. 6).

    The trace of the root is the sum of the roots of the eigenvalues of R C_b R, with R the symmetric root of C_a: two
    symmetric eigenproblems, no complex numbers.
    """
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    inner = root @ cov_b @ root
    cross = np.sqrt(np.linalg.eigvalsh((inner + inner.T) / 2).clip(min=0)).sum()
    return float(np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def group_of(sample_id: str) -> int:
    """The jackknife group of a sample, fixed by its id."""
    return int.from_bytes(hashlib.blake2b(sample_id.encode(), digest_size=8).digest(), "little") % GROUPS


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


@dataclass(frozen=True)
class Jackknifed:
    """A distance with its interval, and its value without each of the id groups: what paired differences need."""

    interval: Interval
    without: tuple[float, ...]


def frechet(features: Array, ids: Sequence[str], reference: Array, reference_ids: Sequence[str]) -> Jackknifed:
    """Fréchet distance of two sets of features [n, D], its interval by deleting groups of ids on both sides."""
    shift = reference.astype(np.float64).mean(axis=0)  # moments near zero lose no digits
    a = _grouped(features - shift, ids)
    b = _grouped(reference - shift, reference_ids)
    all_a, all_b = _sum(a), _sum(b)
    value = all_a.distance(all_b)
    without = [
        (all_a - a[g]).distance(all_b - b[g])
        for g in range(GROUPS)
        if a[g].n + b[g].n and min(all_a.n - a[g].n, all_b.n - b[g].n) > 1
    ]
    return _jackknifed(value, without)


def kernel_distance(features: Array, ids: Sequence[str], reference: Array, reference_ids: Sequence[str]) -> Jackknifed:
    """KID: unbiased squared MMD with the kernel (x.y / D + 1)^3 (Binkowski et al. 2018), over all pairs.

    All pairs instead of random subsets: the same expectation, less spread, nothing to seed. Kernel sums are kept by
    pairs of id groups, so that leaving a group out costs nothing.
    """
    a, b = _by_group(features, ids), _by_group(reference, reference_ids)
    within_a, within_b, between = _kernel_sums(a, a), _kernel_sums(b, b), _kernel_sums(a, b)
    own_a, own_b = (np.array([_kernel_diagonal(group) for group in side]) for side in (a, b))
    sizes_a, sizes_b = (np.array([len(group) for group in side]) for side in (a, b))

    def mmd(keep: Array) -> float:
        n, m = sizes_a[keep].sum(), sizes_b[keep].sum()
        grid = np.ix_(keep, keep)
        aa = (within_a[grid].sum() - own_a[keep].sum()) / (n * (n - 1))
        bb = (within_b[grid].sum() - own_b[keep].sum()) / (m * (m - 1))
        return float(aa + bb - 2 * between[grid].sum() / (n * m))

    everything = np.ones(GROUPS, dtype=bool)
    value = mmd(everything)
    without = []
    for g in range(GROUPS):
        keep = everything.copy()
        keep[g] = False
        if sizes_a[g] + sizes_b[g] and min(sizes_a[keep].sum(), sizes_b[keep].sum()) > 1:
            without.append(mmd(keep))
    return _jackknifed(value, without)


def _jackknifed(value: float, without: Sequence[float]) -> Jackknifed:
    interval = (
        jackknife(value, without) if len(without) > 1 else Interval(value, float("-inf"), float("inf"), "nothing")
    )
    return Jackknifed(interval, tuple(without))


def _by_group(features: Array, ids: Sequence[str]) -> list[Array]:
    if features.ndim != 2 or len(features) != len(ids):
        raise ValueError(f"features {features.shape} do not match {len(ids)} ids")
    groups = np.array([group_of(i) for i in ids])
    return [features[groups == g].astype(np.float64) for g in range(GROUPS)]


def _grouped(features: Array, ids: Sequence[str]) -> list[Moments]:
    return [Moments.of(group) for group in _by_group(features, ids)]


def _sum(parts: list[Moments]) -> Moments:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _kernel(x: Array, y: Array) -> Array:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _kernel_sums(a: list[Array], b: list[Array]) -> Array:
    return np.array([[_kernel(x, y).sum() for y in b] for x in a])


def _kernel_diagonal(x: Array) -> float:
    return float(((np.square(x).sum(axis=1) / x.shape[1] + 1) ** 3).sum()) if len(x) else 0.0
