"""Means of ratios against the formulas by hand, the t intervals that they contain, and their own population."""

import numpy as np
import pytest
from scipy import stats

from symmbench.bench.statistics import MeanRatio, paired_ratios

Array = np.ndarray


def areas(seed: int, n: int = 30, k: int = 4, often: float = 0.4) -> tuple[Array, Array]:
    """Pixels hit and pixels in all, [n, k]: an image holds some of the classes, every class lies in five at least."""
    random = np.random.default_rng(seed)
    held = random.random((n, k)) < often
    held[:5] = True
    bottom = np.where(held, random.integers(20, 200, (n, k)), 0)
    return bottom * random.beta(4, 2, size=(n, k)), bottom.astype(float)


def ratio(top: Array, bottom: Array) -> MeanRatio:
    return MeanRatio.of(float((top.sum(axis=0) / bottom.sum(axis=0)).mean()), top, bottom, (bottom > 0).sum(axis=0))


def tin(top: Array, bottom: Array) -> float:
    """One ratio less its bias, from relative (co)variances of its sums."""
    x, y = bottom.sum(), top.sum()
    return float(y / x * (1 + (top * bottom).sum() / (x * y) - np.square(bottom).sum() / x**2))


def test_every_image_is_left_out_in_turn() -> None:
    top, bottom = areas(0)
    found = ratio(top, bottom)
    centres, variances, deviations = [], [], np.zeros((4, 30))
    for k in range(4):
        y, x, m = top[:, k], bottom[:, k], int((bottom[:, k] > 0).sum())
        plain = [np.delete(y, i).sum() / np.delete(x, i).sum() for i in range(30) if x[i]]
        whole = y.sum() / x.sum()
        centres.append(m * whole - (m - 1) * np.mean(plain))
        without = np.array([tin(np.delete(y, i), np.delete(x, i)) for i in range(30)])
        deviations[k] = np.sqrt(1 - 1 / (2 * m)) * (tin(y, x) - without) / 4
        variances.append((float(np.square(deviations[k]).sum()), m - 1))
    centre, error = np.mean(centres), np.sqrt(np.square(deviations.sum(axis=0)).sum())
    freedom = sum(v for v, _ in variances) ** 2 / sum(v**2 / f for v, f in variances)
    assert (found.centre, found.error) == (pytest.approx(centre), pytest.approx(error))
    assert found.freedom == pytest.approx(min(freedom, 29))
    low, high = stats.t.interval(0.95, found.freedom, centre, error)
    gap = paired_ratios(found)
    assert (gap.low, gap.high) == (pytest.approx(low), pytest.approx(high))


def test_the_interval_of_a_figure_is_on_the_scale_of_what_it_lacks() -> None:
    top, bottom = areas(0, n=60)
    found = ratio(top, bottom)
    weights = np.square(found.apart.sum(axis=1))
    bearing = weights.sum() ** 2 / np.square(weights).sum()
    low, high = stats.t.interval(0.95, min(found.freedom, bearing), 0, found.error / (1 - found.centre))
    interval = found.interval()
    assert np.log((1 - interval.low) / (1 - found.centre)) == pytest.approx(high)
    assert np.log((1 - interval.high) / (1 - found.centre)) == pytest.approx(low)


def test_few_images_that_bear_the_error_make_the_interval_wider() -> None:
    bottom = np.full((100, 1), 100.0)
    even, seldom = 0.9 * bottom, bottom.copy()
    even[::2] = 0.8 * bottom[::2]
    seldom[:2] = 0.0
    few, many = ratio(seldom, bottom), ratio(even, bottom)
    assert many.bearing == pytest.approx(100) and few.bearing == pytest.approx(2, rel=0.2)
    widths = [(r.interval().high - r.interval().low) / r.error for r in (few, many)]
    assert widths[0] > 1.9 * widths[1] and few.interval().low > 0.5


def test_of_fewer_than_fifty_images_a_difference_is_told_but_no_figure() -> None:
    few, enough = (ratio(*areas(3, n=n)) for n in (49, 50))
    assert few.interval().covers == "too few images: fewer than 50" and not np.isfinite(few.interval().low)
    assert np.isfinite(enough.interval().low) and np.isfinite(paired_ratios(few - ratio(*areas(3, n=49))).low)


def test_of_means_it_is_the_t_interval_and_the_paired_t_test() -> None:
    """But that half an image is taken off where they take a whole one."""
    a, b = np.random.default_rng(1).normal(size=(2, 25))
    wider = np.sqrt((1 - 1 / 50) / (1 - 1 / 25))
    first, second = (ratio(values[:, None], np.ones((25, 1))) for values in (a, b))
    expected = stats.ttest_1samp(a, 0).confidence_interval(0.95)
    assert paired_ratios(first).high - first.value == pytest.approx(wider * (expected.high - a.mean()))
    found, known = paired_ratios(first - second), stats.ttest_rel(a, b)
    assert found.value == pytest.approx(a.mean() - b.mean()) and found.freedom == known.df
    assert found.p == pytest.approx(2 * stats.t.sf(abs(known.statistic) / wider, 24))
    for level, low, high in ((0.95, found.low, found.high), (0.9, found.inner_low, found.inner_high)):
        ends = known.confidence_interval(level)
        assert high - low == pytest.approx(wider * (ends.high - ends.low)) and (low + high) / 2 == pytest.approx(
            found.value
        )


def test_it_lies_about_the_population_where_the_figure_lies_beside_it() -> None:
    """Six images a class, large regions hit less: the mean over many classes is off by more than its own errors."""
    random, figures, centres = np.random.default_rng(2), [], []
    for _ in range(100):
        size = random.gamma(2.0, 50.0, size=(6, 60))
        found = ratio(size * np.clip(0.9 - 0.002 * size, 0, 1), size)
        figures.append(found.value)
        centres.append(found.centre)
    size = np.random.default_rng(3).gamma(2.0, 50.0, size=2_000_000)
    true = float((size * np.clip(0.9 - 0.002 * size, 0, 1)).sum() / size.sum())
    off = abs(np.mean(figures) - true)
    assert off > 1.5 * np.std(figures) and abs(np.mean(centres) - true) < 0.3 * off


def test_a_class_of_one_image_tells_no_spread_and_the_others_stand_for_it() -> None:
    top, bottom = areas(4)
    lone = np.zeros((30, 1))
    lone[7] = 100
    found = ratio(np.hstack([top, 0.3 * lone]), np.hstack([bottom, lone]))
    assert found.error == pytest.approx(ratio(top, bottom).error) and np.isfinite(found.centre)
    assert found.centre == pytest.approx((4 * ratio(top, bottom).centre + 0.3) / 5)


@pytest.mark.parametrize(("images", "told"), [(1, False), (2, False), (3, True)])
def test_below_three_images_nothing_is_told(images: int, told: bool) -> None:
    bottom = np.zeros((60, 5))
    for k in range(5):
        bottom[k : k + images, k] = [100, 50, 70][:images]
    found = ratio(0.7 * bottom + 0.1 * bottom**0.5, bottom)
    interval = found.interval()
    assert found.told is told and np.isfinite(interval.low) == told
    assert ("fewer than 3" in interval.covers) is not told


def test_equals_are_equal() -> None:
    same = ratio(*areas(5)) - ratio(*areas(5))
    found = paired_ratios(same)
    assert same.nothing and (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert not (ratio(*areas(5)) - ratio(0.9 * areas(5)[0], areas(5)[1])).nothing


def test_other_images_are_not_paired() -> None:
    with pytest.raises(ValueError, match="not paired"):
        _ = ratio(*areas(5)) - ratio(*areas(5, n=31))
    with pytest.raises(ValueError, match="not paired"):
        _ = ratio(*areas(5)) - ratio(*areas(6))
