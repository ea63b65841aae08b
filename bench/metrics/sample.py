"""What a metric of one cell was measured on: a function of weights on its images.

The figure, its interval, paired differences, resamples and the gate's small baseline all come from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isclose, isnan
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import statistics
from ..statistics import Difference, Interval, Jackknifed

if TYPE_CHECKING:
    import pandas as pd

    from ..records import Missing
    from .areas import Areas

Array = np.ndarray
ROUNDING = 1e-6
"""Relative difference up to which a figure is the same: other machines' libraries add in another order."""


def is_same(one: float, other: float) -> bool:
    """Whether two figures are the same to rounding."""
    return isclose(one, other, rel_tol=ROUNDING, abs_tol=1e-12) or (isnan(one) and isnan(other))


@dataclass(frozen=True)
class Sample(ABC):
    """A metric on a set of images. `ids`, ascending: of the images; of groups of images where only these are known."""

    ids: tuple[str, ...]
    _drawn: dict[int, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @abstractmethod
    def at(self, weights: Array) -> Array:
        """The metric for weights [R, n]: [R]."""

    def resampled(self, resamples: int) -> Array:
        """The metric of images drawn anew, [resamples]: the same draws for all samples of as many images.

        Kept, for every comparison asks again.
        """
        if resamples not in self._drawn:
            self._drawn[resamples] = statistics.resampled(self.at, len(self.ids), resamples)
        return self._drawn[resamples]

    @cached_property
    def value(self) -> float:
        return float(self.at(np.ones((1, len(self.ids))))[0])

    def interval(self, share: bool) -> Interval:
        """The figure with its 95 % interval over test images. `share`: the metric is a share of something."""
        return statistics.bootstrap(self.at, len(self.ids))

    def minus(self, other: Self, share: bool) -> Difference | Missing:
        """The paired difference to the same metric of another cell on the same images; or why none can be told."""
        return statistics.paired_resamples(self.value - other.value, self.resampled(2000) - other.resampled(2000))

    def taking(self, other: Self, where: Array) -> Self | None:
        """This one with the entries of `other` where `where` [n] is true; None where entries cannot be exchanged."""
        return None

    @property
    def error(self) -> float | None:
        """Standard error over test images; None where none can be told."""
        return float(self.resampled(1000).std(ddof=1))

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """The sample as a table: what a baseline keeps of it."""

    @classmethod
    @abstractmethod
    def read(cls, frame: pd.DataFrame) -> Self:
        """The sample that `frame` was made of."""


@dataclass(frozen=True)
class Values(Sample):
    """A value an image, and their mean."""

    values: Array

    @classmethod
    def of(cls, ids: Any, values: Any) -> Values:
        """One value an id; of several of one id, which are not independent of each other, the mean."""
        import pandas as pd

        found = pd.Series(np.asarray(values, dtype=np.float64)).groupby(np.asarray(ids, dtype=object)).mean()
        return cls(tuple(found.index), found.to_numpy())

    def at(self, weights: Array) -> Array:
        return np.asarray(weights @ self.values / weights.sum(axis=1))

    @property
    def binary(self) -> bool:
        return bool(np.isin(self.values, (0.0, 1.0)).all())

    def interval(self, share: bool) -> Interval:
        if share and self.binary:
            return statistics.wilson(int(self.values.sum()), len(self.values))
        return super().interval(share)

    def minus(self, other: Self, share: bool) -> Difference | Missing:
        if share and self.binary and other.binary:
            return statistics.paired_shares(self.values > 0, other.values > 0)
        return super().minus(other, share)

    def taking(self, other: Self, where: Array) -> Self:
        return type(self)(self.ids, np.where(where, other.values, self.values))

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame({"id": list(self.ids), "value": self.values})

    @classmethod
    def read(cls, frame: pd.DataFrame) -> Self:
        return cls(tuple(frame["id"]), frame["value"].to_numpy(np.float64))


@dataclass(frozen=True)
class Regions(Sample):
    """Areas an image and class; a subclass says what follows from them."""

    areas: Areas

    def taking(self, other: Self, where: Array) -> Self:
        return type(self)(self.ids, self.areas.taking(other.areas, where))

    def frame(self) -> pd.DataFrame:
        return self.areas.frame(self.ids)

    @classmethod
    def read(cls, frame: pd.DataFrame) -> Self:
        from .areas import Areas

        return cls(*Areas.read(frame))


@dataclass(frozen=True)
class Groups(Sample):
    """A figure of a set and what it is without each group; its pseudo-values (Tukey 1958) stand for single ones."""

    whole: float
    without: Array
    second: Array
    """Second differences, see `statistics.jackknife_error`."""

    @classmethod
    def of(cls, found: Jackknifed) -> Groups:
        return cls.kept(found.interval.value, found.without, found.second)

    @classmethod
    def kept(cls, whole: float, without: Sequence[float | None], second: Sequence[float | None]) -> Groups:
        """From what a record keeps of it."""
        names = tuple(f"{g:02d}" for g in range(len(without)))
        return cls(names, whole, np.array(without, dtype=np.float64), np.array(second, dtype=np.float64))

    @cached_property
    def value(self) -> float:
        return self.whole

    def at(self, weights: Array) -> Array:
        """Spread as widely as the corrected error says, not as the pseudo-values do."""
        groups, without = len(self.without), self.without.tolist()
        apart = (groups - 1) * (self.without.mean() - self.without)  # pseudo-values about their mean
        plain = statistics.jackknife_error(without)
        scale = self.error / plain if plain else 1.0
        return np.asarray(self.whole + scale * (weights @ apart) / weights.sum(axis=1))

    def interval(self, share: bool) -> Interval:
        if not len(self.without):
            return Interval(self.whole, float("-inf"), float("inf"), statistics.UNGROUPED)
        return statistics.jackknife(self.whole, self.without.tolist(), self.second.tolist())

    def minus(self, other: Self, share: bool) -> Difference:
        parts = (part.tolist() for part in (self.without, other.without, self.second, other.second))
        return statistics.paired_jackknife(self.whole - other.whole, *parts)

    @property
    def error(self) -> float:
        return statistics.jackknife_error(self.without.tolist(), self.second.tolist())

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        second = self.second if len(self.second) else np.full(len(self.without), np.nan)
        return pd.DataFrame({"group": list(self.ids), "whole": self.whole, "without": self.without, "second": second})

    @classmethod
    def read(cls, frame: pd.DataFrame) -> Self:
        second = frame["second"].dropna().to_numpy(np.float64)
        return cls(tuple(frame["group"]), float(frame["whole"].iloc[0]), frame["without"].to_numpy(np.float64), second)
