"""Means over generation seeds: how much of their chance lies in the test images, how much in the seeds.

Images and seeds are crossed: every seed is measured on the same images. A figure then varies with the images, with the
draws that every image has of its own in every seed, and with what all images of a seed may have in common. Resampling
images covers the first two. The third is what the seeds' figures differ beyond the draws of their images (method of
moments; Searle, Casella and McCulloch, Variance Components, 1992), with Satterthwaite's (1946) degrees of freedom. In
symmbench every image has draws of its own, so that there is a third only where a method breaks the rule: it counts
where it shows at 5 %, as in a sometimes-pool analysis of variance (Bozivich, Bancroft and Hartley 1956). Always to
count it would cost two seeds half of their power, to guard against what should not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .differences import Difference
from .intervals import Interval
from .tails import normal_quantile, student_above, student_quantile

Array = np.ndarray
COVERS = "test images and generation seeds"
SHOWS = 0.05
"""The level at which seeds differ more than the draws of their images explain."""


@dataclass(frozen=True)
class Chance:
    """Variances of a mean over seeds, and of one seed's figure."""

    single: float
    """Of one seed's figure, over test images and their draws."""
    images: float
    """Of the mean over seeds, over test images and their draws."""
    seeds: float
    """Of the mean over seeds, by what all images of a seed have in common."""
    freedom: float
    """Degrees of freedom of `images` + `seeds`."""

    @classmethod
    def of(cls, values: Sequence[float], single: float, images: float) -> Chance:
        """`values`: the figure of every seed, two or more."""
        count = len(values)
        between = float(np.var(values, ddof=1))
        own = max(0.0, (single - images) * count / (count - 1))  # of the draws that every image has of its own
        if between <= own or stats.chi2.sf((count - 1) * between / own if own else np.inf, count - 1) >= SHOWS:
            return cls(single, images, 0.0, float("inf"))
        seeds, spread = (between - own) / count, (between / count) ** 2 / (count - 1)
        return cls(single, images, seeds, (images + seeds) ** 2 / spread)

    @classmethod
    def drawn(cls, values: Sequence[float], resampled: Array) -> Chance:
        """`resampled` [S, R]: the figure of every seed over images drawn anew, the same for all seeds."""
        return cls.of(values, float(resampled.var(axis=1, ddof=1).mean()), float(resampled.mean(axis=0).var(ddof=1)))

    def error(self, single: float) -> float:
        """The standard error of the mean, from that of one seed."""
        return float(np.hypot(self._narrowed(single), np.sqrt(self.seeds)))

    def end(self, single: Sequence[float], quantile: float) -> float:
        """How far an end lies from the mean; `single`: how far that of every seed lies from its own figure."""
        normal, student = normal_quantile(quantile), student_quantile(quantile, self.freedom)
        return float(
            student / normal * np.hypot(self._narrowed(_root_mean_square(single)), normal * np.sqrt(self.seeds))
        )

    def _narrowed(self, single: float) -> float:
        """Of one seed -> of the mean over seeds, whose images share what they do not draw anew."""
        return single * float(np.sqrt(self.images / self.single)) if self.single > 0 else single


def interval_over_seeds(found: Sequence[Interval], resampled: Array | None) -> Interval:
    """The mean over seeds of a figure, from its interval over test images of every seed.

    `resampled` [S, R]: see `Chance.drawn`. Without it, no draws are taken to be an image's own, which makes the
    interval too wide rather than too narrow.
    """
    values = [i.value for i in found]
    if resampled is None:
        single = float(np.mean([((i.high - i.low) / 2 / normal_quantile(0.975)) ** 2 for i in found]))
        chance = Chance.of(values, single, single)
    else:
        chance = Chance.drawn(values, resampled)
    value = float(np.mean(values))
    low = value - chance.end([i.value - i.low for i in found], 0.975)
    return Interval(value, low, value + chance.end([i.high - i.value for i in found], 0.975), COVERS)


def difference_over_seeds(found: Sequence[Difference], resampled: Array) -> Difference:
    """The mean over pairs of seeds of a difference, from that of every pair on the test images.

    `resampled` [S, R]: the differences over images drawn anew, see `Chance.drawn`.
    """
    values = [d.value for d in found]
    chance, value = Chance.drawn(values, resampled), float(np.mean(values))
    freedom = min([chance.freedom, *(d.freedom for d in found if d.freedom is not None)])
    error = chance.error(_root_mean_square([d.error for d in found]))
    return Difference(
        value,
        value - chance.end([d.value - d.low for d in found], 0.975),
        value + chance.end([d.high - d.value for d in found], 0.975),
        value - chance.end([d.value - d.inner_low for d in found], 0.95),
        value + chance.end([d.inner_high - d.value for d in found], 0.95),
        error,
        2 * student_above(abs(value) / error, freedom) if error > 0 else float(value == 0),
        COVERS,
        freedom if np.isfinite(freedom) else None,
    )


def _root_mean_square(values: Sequence[float]) -> float:
    """Ends and errors are averaged as the variances that they come from."""
    return float(np.sqrt(np.mean(np.square(values))))
