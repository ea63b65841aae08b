"""Means of ratios of sums over images, as a mean IoU is; told also where a class lies in few of the images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .intervals import Interval
from .tails import student_quantile

Array = np.ndarray
LEAST = 3
"""If the median class lies in fewer images, neither interval nor difference is told."""
LEAST_IN_ALL = 50
"""Of fewer images no interval of a figure is told: failures that are rare, but count, are in none of them too often.
A difference is told, as most of what is rare befalls both alike."""
FEW = f"too few images: half of the classes lie in fewer than {LEAST}"
FEW_IN_ALL = f"too few images: fewer than {LEAST_IN_ALL}"


@dataclass(frozen=True)
class MeanRatio:
    """A mean over K classes of ratios of sums over n images, or the difference of two on the same images.

    Estimand: the mean, over the classes that these images hold, of the ratios in the population of images. The images
    are drawn from it independently of each other; how many of them hold a class is left to chance too.
    """

    value: float
    """The figure: of the ratios as they are."""
    centre: float
    """Of the ratios less their bias: those of few images are too low or too high on average, all classes alike, and of
    their errors the mean over many classes leaves little else."""
    apart: Array
    """How far each image puts each class off, in shares of the mean: [n, K]; 0 for classes that one image holds."""
    held: Array
    """Images that hold a class: [K], 1 and more."""

    @classmethod
    def of(cls, value: float, top: Array, bottom: Array, held: Array) -> MeanRatio:
        """`top`, `bottom`: [n, K], whose sums over images make the ratios; `value`: their mean.

        The jackknife (Quenouille 1949, Tukey 1958) of each class over the m images that hold it, each left out in turn.
        Once for the bias; and once for the error of what is left, as ratios without their bias vary more than plain
        ones, where Tin's (1965) correction by moments stands for the jackknife's. Squared deviations count 1 - 1 / m
        in a sample of m images, and 1 where chance decides how many there are: half of that is taken off, with which
        simulations cover best. A class that one image holds cannot tell its spread; the others stand for it.
        """
        sums = top.sum(axis=0), bottom.sum(axis=0), (top * bottom).sum(axis=0), np.square(bottom).sum(axis=0)
        several, plain, corrected = held > 1, sums[0] / sums[1], _corrected(*sums)
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left of a class that one image holds
            bias = ((sums[0] - top) / (sums[1] - bottom) - plain).sum(axis=0) * (1 - 1 / held)
            without = _corrected(sums[0] - top, sums[1] - bottom, sums[2] - top * bottom, sums[3] - np.square(bottom))
        centre = float(np.where(several, plain - bias, corrected).mean())
        scale = np.sqrt(1 - 1 / (2 * held)) / max(several.sum(), 1)
        return cls(value, centre, np.where(several, (corrected - without) * scale, 0.0), held)

    def __sub__(self, other: MeanRatio) -> MeanRatio:
        """Classes must lie in the same images for both."""
        if not self.pairs(other):
            raise ValueError("ratios of other images or classes are not paired")
        return MeanRatio(self.value - other.value, self.centre - other.centre, self.apart - other.apart, self.held)

    def pairs(self, other: MeanRatio) -> bool:
        """Whether both are of as many images, of which as many hold each class."""
        return self.apart.shape == other.apart.shape and bool((self.held == other.held).all())

    @property
    def told(self) -> bool:
        """Whether the images tell an interval."""
        return bool(np.median(self.held) >= LEAST)

    @property
    def nothing(self) -> bool:
        """Whether two are the same in every image."""
        return self.value == self.centre == 0 and not self.apart.any()

    @property
    def error(self) -> float:
        """Standard error. The classes of an image go together, as much as they do."""
        return float(np.sqrt(np.square(self.apart.sum(axis=1)).sum()))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the error (Satterthwaite 1946): of m - 1 a class, never more than of the images."""
        parts = np.square(self.apart).sum(axis=0)
        most = max(len(self.apart) - 1.0, 1.0)
        if not parts.any():
            return most
        return float(min(parts.sum() ** 2 / (np.square(parts) / np.maximum(self.held - 1, 1)).sum(), most))

    @property
    def bearing(self) -> float:
        """How many images bear the error: as many of equal weight have its second and fourth moment (Kish 1965)."""
        squares = np.square(self.apart.sum(axis=1))
        return float(squares.sum() ** 2 / np.square(squares).sum()) if squares.any() else float(len(squares))

    def interval(self, confidence: float = 0.95) -> Interval:
        """Of a share in [0, 1]: a t interval about the centre, widened to hold the figure.

        On the scale of the logarithm of what the share lacks to 1, as a segmenter that fails seldom has a figure too
        high and an error too small at once; and with no more degrees of freedom than images bear the error. Endless
        where none can be told.
        """
        if not self.told or len(self.apart) < LEAST_IN_ALL:
            return Interval(self.value, float("-inf"), float("inf"), FEW_IN_ALL if self.told else FEW)
        lacking = max(1 - self.centre, 1e-9)
        freedom = max(min(self.freedom, self.bearing), 1.0)
        factor = float(np.exp(student_quantile((1 + confidence) / 2, freedom) * self.error / lacking))
        low, high = max(1 - lacking * factor, 0.0), 1 - lacking / factor
        return Interval(self.value, min(low, self.value), max(high, self.value), "test images")


def _corrected(top: Array, bottom: Array, products: Array, squares: Array) -> Array:
    """top / bottom less its bias, from sums over images: of each, of their products, of the bottom's squares."""
    ratio = top / bottom
    return ratio - (ratio * squares - products) / np.square(bottom)
