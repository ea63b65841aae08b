"""Designs of the simulation for figures over generation seeds: images and seeds are crossed, and the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ..metrics import Groups, Sample, Values, difference_over_seeds, interval_over_seeds
from ..metrics.areas import Areas
from ..metrics.frechet import frechet, whole
from ..metrics.segmentation import MeanIoU
from ..records import Missing
from ..statistics import Difference, Interval
from .coverage import Design, Random, Simulated

Array = np.ndarray
Figures = Callable[[Random], tuple[Interval, float | None]]
PAIRED = "paired over seeds"


def over_seeds(quick: bool = False) -> list[Design]:
    """Two, three and five seeds; `quick`: two."""
    made: list[Design] = []
    n = 150 if quick else 400
    for s in [2] if quick else [2, 3, 5]:
        made.append(Design("Wilson over seeds", "accuracy", f"n={n} seeds={s}", _accuracy(n, s)))
        made.append(Design(PAIRED, "difference of accuracies", f"n={n} seeds={s}", _accuracies(n, s)))
        made.append(Design(PAIRED, "accuracy", f"n={n} seeds={s}", _accuracies(n, s), "alarms"))
        made.append(Design(PAIRED, "mean", f"n={n} seeds={s}", _means(n, s, 3.0), "power"))
        seen = f"n={n} seeds={s}, which differ in all images"
        made.append(Design("bootstrap over seeds", "mean", seen, _mean(n, s)))
        if not quick:
            made.append(Design("over seeds", "mIoU", f"n=200 classes=11 seeds={s}", _miou(200, 11, s)))
            made.append(Design("jackknife over seeds", "E[Frechet distance of n]", f"n=400 d=16 seeds={s}", _fid(s)))
    return made


def _ids(n: int) -> tuple[str, ...]:
    return tuple(f"{i:06d}" for i in range(n))


def _mean_of(samples: Sequence[Sample], share: bool) -> Interval:
    return interval_over_seeds([sample.interval(share) for sample in samples], samples)


def _right(random: Random, easy: Array, seeds: int) -> list[Values]:
    """Who is right in every seed; an image is as easy [n] in all of them."""
    right = random.random((seeds, len(easy))) < easy
    return [Values(_ids(len(easy)), row.astype(float)) for row in right]


def _easy(random: Random, n: int) -> Array:
    """Nine images of ten are got right; some nearly always, some seldom."""
    return random.beta(1.8, 0.2, size=n)


def _accuracy(n: int, seeds: int) -> Figures:
    return lambda random: (_mean_of(_right(random, _easy(random, n), seeds), True), 0.9)


def _accuracies(n: int, seeds: int) -> Simulated:
    """Two classifiers to which the same images are easy."""

    def draw(random: Random) -> tuple[Difference | Missing, float]:
        easy = _easy(random, n)
        a, b = _right(random, easy, seeds), _right(random, easy, seeds)
        return difference_over_seeds(a, b, True), 0.0

    return draw


def _values(random: Random, n: int, seeds: int, of_seed: float) -> list[Values]:
    """Values about zero: as much of an image as of its draws; `of_seed`: what all images of a seed have in common."""
    shared, own = random.normal(size=n), random.normal(size=(seeds, n))
    return [Values(_ids(n), row) for row in shared + own + of_seed * random.normal(size=(seeds, 1))]


def _mean(n: int, seeds: int) -> Figures:
    """The seeds have half as much variance of their own as the images bring."""
    return lambda random: (_mean_of(_values(random, n, seeds, float(np.sqrt(0.5 / n))), False), 0.0)


def _means(n: int, seeds: int, errors: float) -> Simulated:
    """Two methods so many standard errors apart."""
    gap = errors * float(np.sqrt(2 * (1 + 1 / seeds) / n))

    def draw(random: Random) -> tuple[Difference | Missing, float]:
        better, worse = (_values(random, n, seeds, 0.0) for _ in range(2))
        better = [Values(one.ids, one.values + gap) for one in better]
        return difference_over_seeds(better, worse, False), gap

    return draw


def _segmented(random: Random, n: int, k: int, seeds: int) -> list[MeanIoU]:
    """Images of three or so classes each, segmented as well as their difficulty and every seed's own draws allow."""
    difficulty, present = random.normal(size=(n, 1)), random.random((n, k)) < min(1.0, 3 / k)
    size = np.where(present, random.gamma(2.0, 50.0, size=(n, k)), 0.0)
    alike = random.normal(size=(n, k))
    made = []
    for _ in range(seeds):
        hit = size / (1 + np.exp(-(1 + 0.7 * difficulty + 0.4 * alike + 0.3 * random.normal(size=(n, k)))))
        made.append(MeanIoU(_ids(n), Areas(hit, size, hit + 20.0 * random.random((n, k)) * min(1.0, 3 / k))))
    return made


@lru_cache(maxsize=8)
def _true_miou(k: int) -> float:
    """From very many images."""
    return _segmented(np.random.default_rng(99), 200_000, k, 1)[0].value


def _miou(n: int, k: int, seeds: int) -> Figures:
    return lambda random: (_mean_of(_segmented(random, n, k, seeds), True), _true_miou(k))


def _fid(seeds: int, n: int = 400, d: int = 16) -> Figures:
    """Syntheses of the same labels in every seed; a label decides half of what its image looks like."""

    def draw(random: Random) -> tuple[Interval, float | None]:
        spectrum, ids = np.linspace(1.5, 0.5, d), [f"{random.integers(2**62)}" for _ in range(n)]
        labels = random.normal(size=(n, d))

        def images() -> Array:
            return (labels + random.normal(size=(n, d))) / np.sqrt(2) * spectrum

        real = whole(images(), ids)
        found = [frechet(whole(images() + 1 / np.sqrt(d), ids), real) for _ in range(seeds)]
        return interval_over_seeds([one.interval for one in found], [Groups.of(one) for one in found]), None

    return draw
