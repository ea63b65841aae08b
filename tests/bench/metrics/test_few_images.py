"""Intervals of mIoU and pixel accuracy: withheld with a reason, none where nothing differs, steady with many images."""

import numpy as np
import pytest

from symmbench.bench.metrics import Sample, metric
from symmbench.bench.metrics.areas import Areas
from symmbench.bench.metrics.segmentation import MeanIoU, PixelAccuracy
from symmbench.bench.records import Missing
from symmbench.bench.statistics import Difference, bootstrap, paired_bootstrap


def made(
    seed: int, n: int, k: int = 6, often: float = 0.5, kind: type[MeanIoU] | type[PixelAccuracy] = MeanIoU
) -> Sample:
    """The truth depends on n alone."""
    truth = np.where(np.random.default_rng(n).random((n, k)) < often, 100.0, 0.0)
    random = np.random.default_rng(seed)
    hit = np.round(truth * random.beta(5, 2, size=(n, k)))
    return kind(tuple(f"i{i:04d}" for i in range(n)), Areas(hit, truth, hit + random.integers(0, 10, (n, k))))


@pytest.mark.parametrize("kind", [MeanIoU, PixelAccuracy])
def test_where_images_abound_the_interval_is_that_of_resamples(kind: type[MeanIoU] | type[PixelAccuracy]) -> None:
    first, second = made(0, 800, kind=kind), made(1, 800, kind=kind)
    found, known = first.interval(True), bootstrap(first.at, 800)
    width = known.high - known.low
    assert abs(found.low - known.low) < 0.1 * width and abs(found.high - known.high) < 0.1 * width
    gap, before = first.minus(second, True), paired_bootstrap(lambda w: first.at(w) - second.at(w), 800)
    assert isinstance(gap, Difference)
    width = before.high - before.low
    assert abs(gap.low - before.low) < 0.1 * width and abs(gap.high - before.high) < 0.1 * width
    assert gap.value == before.value and first.error == pytest.approx((found.high - found.low) / 3.92, rel=0.02)


def test_a_figure_of_too_few_images_stands_alone_and_says_why() -> None:
    few = made(0, 4, often=0.4)
    figure = metric("miou").figure(few)
    assert (figure.low, figure.high) == (None, None) and figure.value == few.value
    assert figure.covers == "too few images: half of the classes lie in fewer than 3"
    gap = few.minus(made(1, 4, often=0.4), True)
    assert isinstance(gap, Missing) and str(gap) == figure.covers


def test_two_that_agree_on_every_image_differ_by_nothing_however_few_they_are() -> None:
    gap = made(0, 4, often=0.4).minus(made(0, 4, often=0.4), True)
    assert isinstance(gap, Difference) and (gap.low, gap.value, gap.high, gap.p) == (0, 0, 0, 1)


def test_an_interval_holds_its_figure() -> None:
    for seed in range(100):
        found = made(seed, 14, k=30, often=0.25).interval(True)
        assert found.low <= found.value <= found.high


def test_evidence_of_other_truths_is_not_paired() -> None:
    first, second = made(0, 60), made(1, 60)
    mine, theirs = (sample.areas for sample in (first, second))  # type: ignore[attr-defined]
    other = MeanIoU(second.ids, Areas(theirs.hit[::-1, ::-1], mine.truth[:, ::-1], theirs.predicted))
    gap = first.minus(other, True)
    assert isinstance(gap, Missing) and str(gap) == "their evidence tells of other truths; run them again with --force"
