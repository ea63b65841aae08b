"""Confusion counts and what follows from them, by hand; beside other implementations: tests/bench/checks."""

import numpy as np
import pytest

from symmbench.bench.checks.parity import areas, masks
from symmbench.bench.metrics.areas import Areas
from symmbench.bench.metrics.confusion import sparse_confusion
from symmbench.bench.metrics.segmentation import MeanIoU, PixelAccuracy

Array = np.ndarray


def ids(found: Areas) -> tuple[str, ...]:
    return tuple(f"i{row}" for row in range(len(found.hit)))


def test_confusion_counted_by_hand() -> None:
    truth, predicted = np.array([[[0, 0, 1, 255]]]), np.array([[[0, 1, 1, 1]]])
    image, t, p, count = sparse_confusion(truth, predicted, 2)
    assert list(zip(image, t, p, count, strict=True)) == [(0, 0, 0, 1), (0, 0, 1, 1), (0, 1, 1, 1)]
    found = areas(truth, predicted, 2)
    assert found.iou().tolist() == [[0.5, 0.5]]
    assert PixelAccuracy(ids(found), found).value == pytest.approx(2 / 3)


def test_iou_a_class_equals_torchmetrics() -> None:
    import torch
    from torchmetrics.classification import MulticlassJaccardIndex

    truth, predicted = masks(5)
    oracle = MulticlassJaccardIndex(5, ignore_index=255, average="none")
    known = oracle(torch.from_numpy(predicted), torch.from_numpy(truth)).numpy()
    found = areas(truth, predicted, 5)
    np.testing.assert_allclose(found.iou()[0], known, rtol=1e-6)
    interval = MeanIoU(ids(found), found).interval(share=True)
    assert interval.value == pytest.approx(known.mean(), rel=1e-6) and interval.low < interval.value < interval.high


def test_absent_classes_are_left_out_and_stay_out_under_resampling() -> None:
    truth, predicted = masks(3)
    predicted[0, 5, 0] = 4  # predicted, never true
    found = areas(truth, predicted, 6)
    assert found.present.tolist() == [True, True, True, False, False, False]
    assert MeanIoU(ids(found), found).value == pytest.approx(found.iou()[0, :3].mean())


def test_a_resample_without_a_class_leaves_it_out() -> None:
    truth, predicted = np.zeros((2, 1, 4), dtype=int), np.zeros((2, 1, 4), dtype=int)
    truth[0, 0, 0] = predicted[0, 0, 0] = predicted[1, 0, 0] = 1  # class 1: in the first image; a false positive
    weights = np.array([[1.0, 1.0], [0.0, 2.0]])
    found = areas(truth, predicted, 2)
    iou = found.iou(weights)
    assert iou[0].tolist() == [6 / 7, 0.5] and iou[1][0] == 0.75 and np.isnan(iou[1][1])
    assert MeanIoU(ids(found), found).at(weights).tolist() == [pytest.approx((6 / 7 + 0.5) / 2), 0.75]


def test_predictions_outside_the_classes_are_an_error() -> None:
    truth, predicted = masks(5)
    predicted[0, 0, 0] = 7
    with pytest.raises(ValueError, match="beyond 5 classes"):
        sparse_confusion(truth, predicted, 5)
