"""Images and seeds are crossed: what the interval of a mean over seeds is made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from symmbench.bench.statistics import Interval, difference_over_seeds, interval_over_seeds, over_seed_pairs
from symmbench.bench.statistics.seeds import Chance

R = 4000


def drawn(images: float, own: float, seeds: int, seed: int = 0) -> np.ndarray:
    """Figures over images drawn anew, [seeds, R]: what seeds share, and what every seed's draws add."""
    random = np.random.default_rng(seed)
    return images * random.normal(size=R) + own * random.normal(size=(seeds, R))


def normal(value: float, error: float) -> Interval:
    return Interval(value, value - 1.96 * error, value + 1.96 * error, "test images")


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_seeds_divide_what_their_draws_add_and_not_what_images_bring(seeds: int) -> None:
    values = [0.70, 0.705, 0.695, 0.70, 0.702][:seeds]  # apart by less than their draws explain
    found = interval_over_seeds([normal(v, 0.05) for v in values], drawn(0.03, 0.04, seeds))
    assert found.value == pytest.approx(np.mean(values)) and found.covers == "test images and generation seeds"
    error = np.sqrt(0.03**2 + 0.04**2 / seeds)
    assert found.high - found.value == pytest.approx(1.96 * error, rel=0.05)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_what_all_images_of_a_seed_have_in_common_is_added_by_its_own_variance() -> None:
    """By hand: two seeds a tenth apart, whose images explain a hundredth."""
    values, images, own = [0.65, 0.75], 0.03, 0.01
    chance = Chance.of(values, images**2 + own**2, images**2 + own**2 / 2)
    between = 0.1**2 / 2
    assert chance.seeds == pytest.approx((between - own**2) / 2)
    total = images**2 + between / 2  # Searle et al.: (MS images + MS seeds - MS interaction) / (images x seeds)
    assert chance.images + chance.seeds == pytest.approx(total)
    assert chance.freedom == pytest.approx(total**2 / (between / 2) ** 2)
    error = np.sqrt(images**2 + own**2)
    half = chance.end([1.96 * error, 1.96 * error], 0.975)
    assert half == pytest.approx(stats.t.ppf(0.975, chance.freedom) * np.sqrt(total), rel=1e-3)
    assert chance.error(error) == pytest.approx(np.sqrt(total))


def test_seeds_count_by_themselves_only_where_they_show() -> None:
    own = 0.01**2
    just = float(np.sqrt(2 * stats.chi2.isf(0.05, 1) * own))  # the gap of two seeds that an F test finds at 5 %
    for gap, counts in ((0.99 * just, False), (1.01 * just, True)):
        assert (Chance.of([0.5, 0.5 + gap], 0.02**2 + own, 0.02**2 + own / 2).seeds > 0) is counts


def test_an_uneven_interval_stays_uneven() -> None:
    near_one = [Interval(0.99, 0.97, 0.995, "test images")] * 2
    found = interval_over_seeds(near_one, drawn(0.004, 0.004, 2))
    assert (found.value - found.low) / (found.high - found.value) == pytest.approx(4)


def test_without_evidence_an_interval_is_rather_too_wide() -> None:
    intervals = [normal(v, 0.05) for v in (0.70, 0.72, 0.71)]
    known, unknown = (interval_over_seeds(intervals, found) for found in (drawn(0.03, 0.04, 3), None))
    assert unknown.value == known.value and unknown.low < known.low and unknown.high > known.high
    apart = interval_over_seeds([normal(v, 0.001) for v in (0.6, 0.7, 0.8)], None)
    alone = stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3)  # all of it is the seeds': a t over them
    assert apart.high - apart.value == pytest.approx(alone, rel=0.01)


def test_an_interval_that_a_seed_does_not_have_is_not_made_up() -> None:
    endless = Interval(0.7, float("-inf"), float("inf"), "nothing")
    found = interval_over_seeds([normal(0.7, 0.01), endless], drawn(0.01, 0.01, 2))
    assert not np.isfinite(found.low) and not np.isfinite(found.high)


def test_a_difference_over_seeds_has_the_p_of_its_interval() -> None:
    pair = over_seed_pairs([0.02, 0.05, 0.03, 0.06, 0.04], [0.0, 0.01, 0.0, 0.01, 0.02])  # of a single pair of seeds
    single = [pair.value, pair.error]
    found = difference_over_seeds([pair, pair], drawn(0.0, pair.error, 2))
    assert found.value == single[0] and found.error == pytest.approx(single[1] / np.sqrt(2), rel=0.05)
    assert found.freedom == 4 and found.p == pytest.approx(2 * stats.t.sf(found.value / found.error, 4))
    assert found.low < found.inner_low < found.value < found.inner_high < found.high
    assert (found.p < 0.05) == (found.low > 0)


def test_equivalence_is_two_one_sided_t_tests() -> None:
    random = np.random.default_rng(0)
    for shift in (0.0, 0.02, -0.05):
        a, b = random.normal(0.7 + shift, 0.02, size=12), random.normal(0.7, 0.02, size=12)
        gap = over_seed_pairs(a.tolist(), b.tolist())
        below = stats.ttest_1samp(a - b, 0.03, alternative="less").pvalue
        above = stats.ttest_1samp(a - b, -0.03, alternative="greater").pvalue
        assert gap.within(0.03) == pytest.approx(max(below, above))
