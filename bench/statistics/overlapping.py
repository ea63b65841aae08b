"""Differences of two figures of sets of images that are not the same: one part of the other, apart, or overlapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from .differences import Difference, from_error, paired_resamples

Array = np.ndarray


def overlapping_bootstrap(
    first: Callable[[Array], Array],
    second: Callable[[Array], Array],
    first_ids: Sequence[str],
    second_ids: Sequence[str],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """First minus second; what both have is drawn once for both, so that nested sets do not count as independent.

    `first` and `second` map weights [R, n] on their own ids to figures [R]. The ids of both, of the first alone and of
    the second alone are three strata: each is resampled by itself, since how many there are of each is no chance. The
    percentile interval is widened to hold the value.
    """
    shared = set(first_ids) & set(second_ids)
    strata = [sorted(part) for part in (shared, set(first_ids) - shared, set(second_ids) - shared)]
    place = {one: number for number, one in enumerate(one for part in strata for one in part)}
    columns = [np.array([place[one] for one in ids], dtype=np.intp) for ids in (first_ids, second_ids)]
    random = np.random.Generator(np.random.Philox(key=seed))
    drawn = []
    for begin in range(0, resamples, 250):
        rows = min(250, resamples - begin)
        counts = [
            random.multinomial(len(part), np.full(len(part), 1 / len(part)), size=rows) for part in strata if part
        ]
        weights = np.concatenate(counts, axis=1).astype(np.float64)
        drawn.append(first(weights[:, columns[0]]) - second(weights[:, columns[1]]))
    ones = [np.ones((1, len(ids))) for ids in (first_ids, second_ids)]
    value = float(first(ones[0])[0] - second(ones[1])[0])
    found = paired_resamples(value, np.concatenate(drawn))
    return replace(found, low=min(found.low, value), high=max(found.high, value))


def independent(value: float, errors: tuple[float, float], freedom: float) -> Difference:
    """A difference of two figures with standard errors of their own, as if they had no image in common.

    Where they have some, which move both alike, the interval is wider than it need be, never narrower.
    """
    return from_error(value, float(np.hypot(*errors)), freedom, "test images")
