"""Simulated segmentations: their population is known, and the intervals of their figures cover it."""

import numpy as np
import pytest

from symmbench.bench.checks.coverage import Design, simulate
from symmbench.bench.checks.scenes import Scenes
from symmbench.bench.metrics.segmentation import MeanIoU, PixelAccuracy
from symmbench.bench.records import Missing
from symmbench.bench.statistics import bootstrap

KINDS = {"even": Scenes.even(11), "uneven": Scenes.uneven(8, 0.1), "hard": Scenes.uneven(8, 0.1, hard=True)}


@pytest.mark.parametrize("name", KINDS)
def test_the_population_is_what_very_many_images_give(name: str) -> None:
    scenes, random = KINDS[name], np.random.default_rng(0)
    areas = scenes.segmented(random, scenes.images(random, 100_000), 0.2)
    found = [kind(("",) * 100_000, areas).value for kind in (MeanIoU, PixelAccuracy)]
    known = [scenes.truth(kind, areas, 0.2) for kind in (MeanIoU, PixelAccuracy)]
    assert found == pytest.approx(known, abs=0.003)
    np.testing.assert_allclose(areas.iou()[0], scenes.iou(0.2), atol=0.01)


def test_two_segmenters_see_the_same_images() -> None:
    scenes, random = Scenes.even(11), np.random.default_rng(1)
    images = scenes.images(random, 50)
    a, b = (scenes.segmented(random, images, gap) for gap in (0.0, 0.5))
    assert (a.truth == b.truth).all() and (a.hit != b.hit).any()


def test_six_images_of_a_hundred_classes_are_covered_where_resamples_fail() -> None:
    scenes = Scenes.even(100)
    (row,) = simulate([Design("", "", "", scenes.figure(200))], 300)
    assert 0.9 < row.share < 0.99
    hits = []
    for trial in range(40):
        random = np.random.default_rng(trial)
        areas = scenes.segmented(random, scenes.images(random, 200))
        found = bootstrap(MeanIoU(tuple(map(str, range(200))), areas).at, 200, resamples=400)
        hits.append(found.low <= scenes.truth(MeanIoU, areas) <= found.high)
    assert np.mean(hits) < 0.75


def test_one_image_a_class_is_withheld() -> None:
    scenes = Scenes.even(100)
    for trial in range(20):
        figure, _ = scenes.figure(33)(np.random.default_rng(trial))
        gap, _ = scenes.difference(33, 0.5)(np.random.default_rng(trial))
        assert not np.isfinite(figure.low) and isinstance(gap, Missing) and "images" in str(gap)
    (row,) = simulate([Design("", "", "", scenes.figure(33))], 3)
    assert np.isnan(row.share)
