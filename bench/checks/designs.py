"""The designs of the simulation: data whose truth is known, and the intervals that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.special import softmax

from .. import statistics
from ..metrics.calibration import expected_calibration_error
from ..metrics.frechet import Blocks, at_infinity, frechet, kernel_distance, whole
from ..metrics.sample import Values
from ..metrics.segmentation import MeanIoU, PixelAccuracy, Ratios
from ..records import Missing
from ..statistics import Difference, Interval, Jackknifed
from .coverage import Design, Random, Simulated
from .scenes import Scenes
from .seed_designs import over_seeds

Array = np.ndarray
JACKKNIFE, PAIRED = "jackknife of ratios", "paired jackknife of ratios"


def designs(quick: bool = False) -> list[Design]:
    """All design points; `quick`: one small point a kind."""
    made: list[Design] = []
    for n, p in [(300, 0.9)] if quick else [(100, 0.5), (400, 0.9), (400, 0.975), (1000, 0.98)]:
        made.append(Design("wilson", "accuracy", f"n={n} p={p}", _accuracy(n, p)))
    for n, gap in [(400, 0.0)] if quick else [(400, 0.0), (400, 0.03), (1000, 0.01)]:
        made.append(Design("paired shares", "difference of accuracies", f"n={n} gap={gap}", _accuracies(n, gap)))
    for n, k in [(150, 5)] if quick else [(200, 11), (1000, 11), (500, 40)]:
        made += _segmentations(f"n={n} classes={k}", Scenes.even(k), n)
    for n in [150] if quick else [100, 1000]:
        made.append(Design("bootstrap", "mean of a skewed distance", f"n={n}", _skewed(n)))
    for n in [300] if quick else [400, 2000]:
        made.append(Design("jackknife", "E[calibration error of n]", f"n={n} classes=10", _calibration(n, 10)))
    for n, d in [(200, 8)] if quick else [(200, 16), (1000, 64), (2000, 128)]:
        made.append(Design("jackknife", "E[Frechet distance of n]", f"n={n} d={d}", _distance(n, d, frechet)))
        made.append(Design("jackknife", "kernel distance", f"n={n} d={d}", _distance(n, d, kernel_distance)))
        made.append(Design("jackknife", "FID-infinity", f"n={n} d={d}", _endless(n, d)))
        made.append(Design("paired jackknife", "difference of E[FD_n]", f"n={n} d={d}", _distances(n, d, 0.1)))
    n, k, d, trials = (150, 5, 8, 200) if quick else (500, 11, 32, 1000)
    for measure, errors in (("alarms", 0.0), ("power", 3.0)):
        made += [
            Design("paired shares", "accuracy", f"n={4 * n}", _shares_apart(4 * n, errors), measure),
            Design(PAIRED, "mIoU", f"n={n} classes={k}", _mious_apart(n, k, errors, trials), measure),
            Design(
                "paired jackknife",
                "Frechet distance",
                f"n={2 * n} d={d}",
                _distances_apart(2 * n, d, errors, trials),
                measure,
            ),
            # t intervals over five seeds, or six batches, are too wide to see three standard errors four times of five
            *(
                Design("t over seeds", "difference over seeds", f"seeds={s}", _seeds_apart(s, errors), measure)
                for s in ((30,) if measure == "power" else (5, 20))
            ),
        ]
    for n, d in [(200, 8)] if quick else [(200, 16), (1000, 64)]:
        kernel, endless = _distances(n, d, 0.1, kernel_distance), _distances(n, d, 0.1, _without_end)
        made.append(Design("paired jackknife", "difference of kernel distances", f"n={n} d={d}", kernel))
        made.append(Design("paired jackknife", "difference of FID-infinity", f"n={n} d={d}", endless))
    n = 300 if quick else 2000
    made.append(
        Design("paired jackknife", "difference of calibration errors", f"n={n} classes=10", _calibrations(n, 10))
    )
    for repeats in [6] if quick else [6, 20]:
        made.append(Design("Welch", "difference of log time", f"repeats={repeats}", _times(repeats, None)))
    made.append(Design("Welch", "log time", "repeats=6", _times(6, 0.0), "alarms"))
    if not quick:
        made.append(Design("Welch", "log time", "repeats=20", _times(20, 3.0), "power"))
    return made + over_seeds(quick) + _rare(quick)


def _segmentations(said: str, scenes: Scenes, n: int, kind: type[Ratios] = MeanIoU) -> list[Design]:
    """A figure of n images, and the difference of two segmenters on them."""
    what = "mIoU" if kind is MeanIoU else "pixel accuracy"
    return [
        Design(JACKKNIFE, f"{what} of the population", said, scenes.figure(n, kind)),
        Design(PAIRED, f"difference of {what}", said, scenes.difference(n, 0.03, kind)),
    ]


def _rare(quick: bool) -> list[Design]:
    """Segmentations whose classes lie in few of the images."""
    made: list[Design] = []
    for k, held in [(40, 5)] if quick else [*product((11, 40, 100), (5, 10, 20)), (100, 3)]:
        n = round(held * k / 3)
        made += _segmentations(f"n={n} classes={k} images a class={held}", Scenes.even(k), n)
    if not quick:
        made += _segmentations("n=100 classes=40 images a class=7.5", Scenes.even(40), 100)
        made += _segmentations("n=200 classes=100 images a class=6", Scenes.even(100), 200)
        made += _segmentations("n=200 classes=100 images a class=6 hard", Scenes.even(100, hard=True), 200)
        made += _segmentations("n=400 classes=100 images a class=5 to 200", Scenes.uneven(100, 5 / 400), 400)
        uneven = Scenes.uneven(40, 5 / 200, hard=True)
        made += _segmentations("n=200 classes=40 images a class=5 to 100 hard", uneven, 200)
        for n in (60, 200, 1000):
            made += _segmentations(f"n={n} classes=11 seldom wrong", Scenes.seldom_wrong(11), n)
    k, trials = (11, 200) if quick else (100, 1000)
    for measure, errors, held in [*product(["alarms"], [0.0], (5, 10)), *product(["power"], [3.0], (5, 10, 20))]:
        n = round(held * k / 3)
        said = f"n={n} classes={k} images a class={held}"
        made.append(Design(PAIRED, "mIoU", said, _mious_apart(n, k, errors, trials), measure))
    return made + _segmentations("n=200 classes=11", Scenes.even(11), 200, PixelAccuracy)


def _accuracy(n: int, p: float) -> Callable[[Random], tuple[Interval, float]]:
    return lambda random: (statistics.wilson(int(random.binomial(n, p)), n), p)


def _accuracies(n: int, gap: float) -> Callable[[Random], tuple[Difference, float]]:
    """Two classifiers that share most of their errors: 5 % of the images divide them, and `gap` more favour one."""

    def draw(random: Random) -> tuple[Difference, float]:
        kind = random.choice(4, size=n, p=[0.87 - gap, 0.05 + gap, 0.05, 0.03])
        return statistics.paired_shares(np.isin(kind, (0, 1)), np.isin(kind, (0, 2))), gap

    return draw


def _skewed(n: int) -> Callable[[Random], tuple[Interval, float]]:
    def draw(random: Random) -> tuple[Interval, float]:
        values = random.gamma(4.0, 0.1, size=n)
        return Values(tuple(map(str, range(n))), values).interval(False), 0.4

    return draw


def _features(random: Random, n: int, d: int, shift: float) -> Array:
    """Gaussian features with a falling spectrum, moved by `shift` in every direction."""
    return random.normal(size=(n, d)) * np.linspace(1.5, 0.5, d) + shift / np.sqrt(d)


def _ids(random: Random, n: int) -> list[str]:
    return [f"{random.integers(2**62)}" for _ in range(n)]


def _distance(
    n: int, d: int, measure: Callable[[Blocks, Blocks], Jackknifed]
) -> Callable[[Random], tuple[Interval, float | None]]:
    def draw(random: Random) -> tuple[Interval, None]:
        return measure(*_pair(random, n, d)).interval, None

    return draw


def _endless(n: int, d: int) -> Callable[[Random], tuple[Interval, float]]:
    """The two distributions are Gaussian with one covariance and means one apart, so their distance is one."""
    return lambda random: (at_infinity(frechet(*_pair(random, n, d))).interval, 1.0)


def _pair(random: Random, n: int, d: int) -> tuple[Blocks, Blocks]:
    ids = _ids(random, n)
    return whole(_features(random, n, d, 1.0), ids), whole(_features(random, n, d, 0.0), ids)


def _without_end(features: Blocks, reference: Blocks) -> Jackknifed:
    return at_infinity(frechet(features, reference))


def _calibration(n: int, k: int) -> Callable[[Random], tuple[Interval, None]]:
    """A classifier that is surer than it should be."""
    return lambda random: (_errors(random, n, k, (1.5,))[0].interval, None)


def _calibrations(n: int, k: int) -> Simulated:
    """Two of them on the same images, one surer than the other."""

    def draw(random: Random) -> tuple[Difference, None]:
        a, b = _errors(random, n, k, (2.0, 1.5))
        return statistics.paired_jackknife(a.interval.value - b.interval.value, a.without, b.without), None

    return draw


def _errors(random: Random, n: int, k: int, sureness: tuple[float, ...]) -> list[Jackknifed]:
    logits = random.normal(size=(n, k)) * 2.0
    labels = (softmax(logits, axis=1).cumsum(axis=1) > random.random((n, 1))).argmax(axis=1)
    ids = _ids(random, n)
    return [expected_calibration_error(softmax(sure * logits, axis=1), labels, ids) for sure in sureness]


def _times(repeats: int, errors: float | None) -> Simulated:
    """Logarithms of relative times of two runs of unequal spread, so many standard errors apart; None: by 5 %."""
    gap = 0.05 if errors is None else errors * 0.02 * np.sqrt((1 + 1.5**2) / repeats)

    def draw(random: Random) -> tuple[Difference, float]:
        slow, fast = random.normal(gap, 0.02, size=repeats), random.normal(0.0, 0.03, size=repeats)
        return statistics.welch(slow.tolist(), fast.tolist()), gap

    return draw


def _distances(n: int, d: int, gap: float, measure: Callable[[Blocks, Blocks], Jackknifed] = frechet) -> Simulated:
    """Two generators judged by one reference set."""

    def draw(random: Random) -> tuple[Difference, None]:
        ids, real = _ids(random, n), _features(random, n, d, 0.0)
        a, b = (measure(whole(_features(random, n, d, 1.0 + shift), ids), whole(real, ids)) for shift in (gap, 0.0))
        apart = a.interval.value - b.interval.value
        return statistics.paired_jackknife(apart, a.without, b.without, a.second, b.second), None

    return draw


def _standard_error(draw: Simulated, trials: int) -> float:
    """Of the middle of a difference's interval, which is the difference less its bias, from trials of its own."""
    drawn = (draw(np.random.default_rng([7, t]))[0] for t in range(trials))
    return float(np.std([(d.low + d.high) / 2 for d in drawn if not isinstance(d, Missing)], ddof=1))


def _slope(make: Callable[[float], Simulated], step: float) -> float:
    """How fast the difference grows with the parameter that makes it."""

    def mean(draw: Simulated) -> float:
        drawn = (draw(np.random.default_rng([8, t]))[0] for t in range(60))
        return float(np.mean([found.value for found in drawn if not isinstance(found, Missing)]))

    return (mean(make(step)) - mean(make(0.0))) / step


def _shares_apart(n: int, errors: float) -> Simulated:
    gap = 0.0
    for _ in range(20):  # the images that divide the two are 10 % and the gap itself
        gap = errors * float(np.sqrt((0.1 + gap - gap**2) / n))
    return _accuracies(n, gap)


def _apart(
    make: Callable[[float], Simulated], errors: float, trials: int, slope: Callable[[float], float] | None = None
) -> Simulated:
    """The design whose true difference is so many of its own standard errors (which grow with the difference).

    Those are estimated from so many trials, when the design is first drawn from; so is how fast the difference grows
    with the parameter, where `slope` does not know it.
    """

    @lru_cache(maxsize=1)
    def found() -> Simulated:
        gap = 0.0
        for _ in range(3 if errors else 0):
            growth = slope(gap or 0.3) if slope else _slope(make, gap or 0.3)
            gap = errors * _standard_error(make(gap), trials) / growth
        return make(gap)

    return lambda random: found()(random)


def _mious_apart(n: int, k: int, errors: float, trials: int) -> Simulated:
    scenes = Scenes.even(k)

    def slope(step: float) -> float:
        return float((scenes.iou(step) - scenes.iou()).mean()) / step

    return _apart(lambda gap: scenes.difference(n, gap), errors, trials, slope)


def _distances_apart(n: int, d: int, errors: float, trials: int) -> Simulated:
    return _apart(lambda gap: _distances(n, d, gap), errors, trials)


def _seeds_apart(count: int, errors: float) -> Callable[[Random], tuple[Difference, float]]:
    gap = errors * 0.01 * np.sqrt(2 / count)

    def draw(random: Random) -> tuple[Difference, float]:
        a, b = random.normal(0.7 + gap, 0.01, size=count), random.normal(0.7, 0.01, size=count)
        return statistics.over_seed_pairs(a.tolist(), b.tolist()), gap

    return draw
