"""Metrics of confusion counts, from evidence on disk, where classes are ignored or only predicted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from symmbench.bench import metrics
from symmbench.bench.checks.parity import areas, miou
from symmbench.bench.metrics import Subject
from symmbench.bench.metrics.areas import Areas
from symmbench.bench.metrics.confusion import sparse_confusion
from symmbench.bench.metrics.segmentation import MeanIoU
from symmbench.bench.records import Evidence, Shard, write_shard
from symmbench.symmflow.errors import InputError


@pytest.mark.filterwarnings("error")
def test_weights_of_no_image_with_a_class_have_no_figure() -> None:
    """And no warning of a library either: a leave-one-out of a single image is such a one."""
    area = np.array([[4.0, 2.0]])
    found = MeanIoU(("a",), Areas(area, area, area))
    assert found.at(np.array([[1.0]])).tolist() == [1.0] and np.isnan(found.at(np.array([[0.0]]))).all()


def test_ignored_background_equals_torchmetrics(tmp_path: Path) -> None:
    """`ignore_index` of a class drops its true pixels and the class, as SymmFlow's code measures."""
    from torchmetrics import JaccardIndex

    random = np.random.default_rng(0)
    truth = random.integers(0, 5, (3, 16, 16))
    predicted = np.where(random.random(truth.shape) < 0.6, truth, random.integers(0, 5, truth.shape))
    image, t, p, count = sparse_confusion(truth, predicted, 5)
    ids, names = ["a", "b", "c"], ("background", "1", "2", "3", "4")
    table = pd.DataFrame({"id": np.array(ids)[image], "truth": t, "prediction": p, "pixels": count})
    write_shard(tmp_path, 0, Shard({"samples": pd.DataFrame({"id": ids}), "confusion": table}, []))
    found = metrics.metric("miou").sample(Evidence(tmp_path, 1), Subject(names, masks=True, ignored=("background",)))
    oracle = JaccardIndex(task="multiclass", num_classes=5, ignore_index=0)
    expected = oracle(torch.from_numpy(predicted), torch.from_numpy(truth)).item()
    assert found and found.value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("column", "value"), [("id", "z"), ("truth", 7), ("prediction", 7), ("pixels", -1)])
def test_counts_of_what_there_is_not_are_refused(tmp_path: Path, column: str, value: object) -> None:
    table = pd.DataFrame({"id": ["a", "b"], "truth": [0, 1], "prediction": [0, 1], "pixels": [4, 4]})
    table.loc[1, column] = value
    write_shard(tmp_path, 0, Shard({"samples": pd.DataFrame({"id": ["a", "b"]}), "confusion": table}, []))
    with pytest.raises(InputError, match=r"confusion in .* is damaged"):
        metrics.metric("miou").sample(Evidence(tmp_path, 1), Subject(("x", "y"), masks=True))


def test_a_class_that_is_only_predicted_counts_in_mmsegmentations_mean_and_not_in_ours() -> None:
    why = "mmsegmentation is not installed (pip install 'symmbench[mmseg]')"
    theirs = pytest.importorskip("mmseg.evaluation.metrics", reason=why, exc_type=ImportError).IoUMetric
    truth, predicted = np.array([[[0, 0, 1, 1]]]), np.array([[[0, 0, 1, 2]]])
    counts = theirs.intersect_and_union(torch.from_numpy(predicted), torch.from_numpy(truth), 3, 255)
    assert np.nanmean(theirs.total_area_to_metrics(*counts, ["mIoU"])["IoU"]) == pytest.approx((1 + 0.5 + 0) / 3)
    assert miou(areas(truth, predicted, 3)) == pytest.approx((1 + 0.5) / 2)
