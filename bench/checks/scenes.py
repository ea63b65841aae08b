"""Simulated segmentations: images that hold some of many classes, and segmenters whose figures are known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..metrics.areas import Areas
from ..metrics.segmentation import MeanIoU, PixelAccuracy, Ratios
from ..records import Missing
from ..statistics import Difference, Interval
from .coverage import Random, Simulated

Array = np.ndarray
SIZE = 100.0
"""Pixels of a region, on average or at the median."""


@dataclass(frozen=True)
class Scenes:
    """A population of images. A segmenter hits a share of each region that depends on the class, on how difficult the
    image is and on chance, and sees the class in other places too, the more the more frequent it is."""

    often: Array
    """How often an image holds a class: [K]."""
    skill: Array
    """Logit of the share of a region that is hit in an image of middling difficulty: [K]."""
    hard: bool = False
    """Regions of very unequal size, the small ones harder; false pixels in few images, many at once."""
    missed: float = 0.0
    """Share of regions that are missed altogether."""

    @classmethod
    def even(cls, k: int, *, hard: bool = False) -> Scenes:
        """About three classes an image, all as frequent and as easy; the first is in every image."""
        often = np.full(k, min(1.0, 3 / k))
        often[0] = 1.0
        return cls(often, np.ones(k), hard, 0.15 if hard else 0.0)

    @classmethod
    def seldom_wrong(cls, k: int) -> Scenes:
        """As `even`, segmented almost perfectly but for one region of twenty-five."""
        return cls(cls.even(k).often, np.full(k, 5.0), missed=0.04)

    @classmethod
    def uneven(cls, k: int, rarest: float, *, hard: bool = False) -> Scenes:
        """From `rarest` to half of the images hold a class, in geometric steps; not all as easy."""
        return cls(
            np.geomspace(rarest, 0.5, k), np.random.default_rng(5).normal(1.0, 0.8, size=k), hard, 0.15 if hard else 0.0
        )

    def images(self, random: Random, n: int) -> tuple[Array, Array]:
        """Difficulty [n] and pixels of every class [n, K]."""
        shape = n, len(self.often)
        held = random.random(shape) < self.often
        size = SIZE * np.exp(random.normal(size=shape)) if self.hard else random.gamma(2.0, SIZE / 2, size=shape)
        return random.normal(size=n), np.where(held, size, 0.0)

    def segmented(self, random: Random, images: tuple[Array, Array], gap: float = 0.0) -> Areas:
        """By a segmenter whose skill is so much higher."""
        difficulty, size = images
        logit = self.skill + gap + 0.7 * difficulty[:, None] + 0.5 * random.normal(size=size.shape)
        if self.hard:
            logit += 0.5 * np.log(np.maximum(size, 1.0) / SIZE)
        hit = size / (1 + np.exp(-logit))
        if self.missed:
            hit = np.where(random.random(size.shape) < self.missed, 0.0, hit)
        if not self.hard:
            return Areas(hit, size, hit + 0.2 * SIZE * self.often * random.random(size.shape))
        seen = random.random(size.shape) < 0.3 * self.often
        wrong = np.where(seen, 0.6 * SIZE * np.exp(random.normal(size=size.shape)), 0.0)
        return Areas(hit, size, hit + wrong)

    def hit(self, gap: float = 0.0) -> Array:
        """Expected pixels hit an image, in units of the mean size of a region: [K]."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        spread = np.sqrt(0.7**2 + 0.5**2 + (0.5**2 if self.hard else 0.0))
        # a pixel is in a larger region than the median: the log of its size is normal about 1
        logits = self.skill[:, None] + gap + (0.5 if self.hard else 0.0) + spread * nodes
        rate = (1 / (1 + np.exp(-logits))) @ weights / weights.sum()
        return np.asarray(self.often * rate * (1 - self.missed))

    def iou(self, gap: float = 0.0) -> Array:
        """Of the population, where false pixels are 10 or 18 % of the true ones: [K]."""
        return np.asarray(self.hit(gap) / (self.often * (1.18 if self.hard else 1.1)))

    def truth(self, kind: type[Ratios], areas: Areas, gap: float = 0.0) -> float:
        """The figure of the population, over the classes that some images hold."""
        if kind is PixelAccuracy:
            return float(self.hit(gap).sum() / self.often.sum())
        return float(self.iou(gap)[areas.present].mean())

    def figure(self, n: int, kind: type[Ratios] = MeanIoU) -> Callable[[Random], tuple[Interval, float]]:
        """A figure of n images, and the truth."""

        def draw(random: Random) -> tuple[Interval, float]:
            areas = self.segmented(random, self.images(random, n))
            return _sample(kind, areas).interval(True), self.truth(kind, areas)

        return draw

    def difference(self, n: int, gap: float, kind: type[Ratios] = MeanIoU) -> Simulated:
        """Two segmenters on the same n images, one with so much more skill: their difference, and the truth."""

        def draw(random: Random) -> tuple[Difference | Missing, float]:
            images = self.images(random, n)
            a, b = (self.segmented(random, images, more) for more in (gap, 0.0))
            return _sample(kind, a).minus(_sample(kind, b), True), self.truth(kind, a, gap) - self.truth(kind, b)

        return draw


def _sample(kind: type[Ratios], areas: Areas) -> Ratios:
    return kind(tuple(map(str, range(len(areas.hit)))), areas)
