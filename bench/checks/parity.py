"""Figures whose values are known: by hand, or from somebody else's implementation. `bench doctor` and the tests ask."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...symmflow.pixels import IGNORE
from ..metrics.areas import Areas
from ..metrics.confusion import sparse_confusion
from ..metrics.frechet import frechet_distance, kernel_distance, whole
from ..metrics.sample import Regions
from ..metrics.segmentation import FrequencyWeightedIoU, MeanAccuracy, MeanF1, MeanIoU

Array = np.ndarray


@dataclass(frozen=True)
class Parity:
    """Our figure and the known one. `tolerance`: relative, absolute where the known one is 0."""

    what: str
    ours: float
    theirs: float
    tolerance: float

    @property
    def apart(self) -> float:
        gap = abs(self.ours - self.theirs)
        return gap / abs(self.theirs) if self.theirs else gap

    @property
    def agrees(self) -> bool:
        return self.apart <= self.tolerance

    @property
    def said(self) -> str:
        return f"{self.ours:.9g} and {self.theirs:.9g}: {self.apart:.1e} apart, allowed {self.tolerance:.0e}"


def gaussian(seed: int, d: int = 64, n: int = 500) -> tuple[Array, Array]:
    """Mean and covariance of features with correlated dimensions."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, d)) @ random.normal(size=(d, d)) / np.sqrt(d) + 0.1 * seed
    return features.mean(axis=0), np.cov(features, rowvar=False)


def frechet_of_itself() -> Iterator[Parity]:
    mean, covariance = gaussian(0)
    value = frechet_distance(mean, covariance, mean, covariance)
    yield Parity("Fréchet distance of a set with itself is 0", value, 0.0, 1e-9)


def frechet_by_scipy() -> Iterator[Parity]:
    from scipy.linalg import sqrtm

    a, b = gaussian(0), gaussian(1)
    root = np.real(sqrtm(a[1] @ b[1]))
    known = float(np.square(a[0] - b[0]).sum() + np.trace(a[1] + b[1] - 2 * root))
    yield Parity("Fréchet distance equals that by scipy's sqrtm", frechet_distance(*a, *b), known, 1e-6)


def frechet_by_clean_fid() -> Iterator[Parity]:
    from cleanfid.fid import frechet_distance as clean_fid

    a, b = gaussian(0), gaussian(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of an argument that it passes to scipy
        known = float(clean_fid(*a, *b))
    yield Parity("Fréchet distance equals clean-fid's", frechet_distance(*a, *b), known, 1e-6)


def frechet_by_torchmetrics() -> Iterator[Parity]:
    import torch
    from torchmetrics.image.fid import _compute_fid

    a, b = gaussian(0), gaussian(1)
    known = float(_compute_fid(*(torch.from_numpy(v) for v in (*a, *b))))
    yield Parity("Fréchet distance equals torchmetrics'", frechet_distance(*a, *b), known, 1e-6)


def kernel_by_torchmetrics() -> Iterator[Parity]:
    import torch
    from torchmetrics.image.kid import poly_mmd

    random = np.random.default_rng(0)
    a, b = random.normal(size=(300, 32)), random.normal(size=(300, 32)) + 0.2
    ids = [f"s{i}" for i in range(300)]
    ours = kernel_distance(whole(a, ids), whole(b, ids)).interval.value
    known = float(poly_mmd(torch.from_numpy(a), torch.from_numpy(b)))
    yield Parity("kernel distance equals torchmetrics'", ours, known, 1e-6)


def areas(truth: Any, predicted: Any, classes: int) -> Areas:
    """Of masks [n, H, W], or of one [H, W] or row [W]."""
    t, p = (np.asarray(mask) for mask in (truth, predicted))
    t, p = (mask if mask.ndim == 3 else mask.reshape(1, *mask.shape) for mask in (t, p))
    return Areas.from_sparse(*sparse_confusion(t, p, classes), len(t), classes)


def miou(found: Areas) -> float:
    return MeanIoU(tuple(map(str, range(len(found.hit)))), found).value


def segmentation_by_hand() -> Iterator[Parity]:
    absent = areas([0, 0, 1, 1], [0, 1, 1, 1], 3)
    yield Parity("mIoU leaves an absent class out", miou(absent), (1 / 2 + 2 / 3) / 2, 1e-12)
    spoilt = areas([0, 0, 1, 1], [0, 2, 1, 1], 3)
    yield Parity("a false class costs its pixel and enters no mean", miou(spoilt), (1 / 2 + 1) / 2, 1e-12)
    void = areas([IGNORE, 0, IGNORE, 1], [1, 0, 0, 1], 2)
    yield Parity("void pixels do not count", miou(void), 1.0, 1e-12)
    empty = areas([IGNORE, IGNORE], [0, 1], 2)
    yield Parity("a truth without a valid pixel has no class", float(empty.present.sum()), 0.0, 0.0)


def masks(classes: int = 11) -> tuple[Array, Array]:
    """Truth and prediction [6, 32, 32] that agree in most pixels, with void ones."""
    random = np.random.default_rng(0)
    truth = random.integers(0, classes, (6, 32, 32))
    predicted = np.where(random.random(truth.shape) < 0.7, truth, random.integers(0, classes, truth.shape))
    truth[:, :3] = IGNORE
    return truth, predicted


def segmentation_by_torchmetrics() -> Iterator[Parity]:
    import torch
    from torchmetrics.classification import MulticlassJaccardIndex

    truth, predicted = masks()
    oracle = MulticlassJaccardIndex(11, ignore_index=IGNORE)(torch.from_numpy(predicted), torch.from_numpy(truth))
    yield Parity("mIoU equals torchmetrics'", miou(areas(truth, predicted, 11)), float(oracle), 1e-6)


def segmentation_by_mmsegmentation() -> Iterator[Parity]:
    import torch
    from mmseg.evaluation.metrics import IoUMetric

    truth, predicted = masks()
    theirs = IoUMetric(ignore_index=IGNORE, iou_metrics=["mIoU"], prefix="miou")
    parts = [
        IoUMetric.intersect_and_union(torch.from_numpy(p), torch.from_numpy(t), 11, IGNORE)
        for t, p in zip(truth, predicted, strict=True)
    ]
    totals = [sum(part[i] for part in parts) for i in range(4)]
    known = float(np.nanmean(theirs.total_area_to_metrics(*totals, ["mIoU"])["IoU"]))
    yield Parity("mIoU equals mmsegmentation's", miou(areas(truth, predicted, 11)), known, 1e-6)


def means_over_classes_by_torchmetrics() -> Iterator[Parity]:
    import torch
    from torchmetrics import classification as theirs

    truth, predicted = masks()
    found = areas(truth, predicted, 11)
    ids = tuple(map(str, range(len(truth))))
    pairs: dict[str, tuple[type[Regions], type[torch.nn.Module], str]] = {
        "mean F1": (MeanF1, theirs.MulticlassF1Score, "macro"),
        "mean accuracy": (MeanAccuracy, theirs.MulticlassAccuracy, "macro"),
        "frequency-weighted IoU": (FrequencyWeightedIoU, theirs.MulticlassJaccardIndex, "weighted"),
    }
    for name, (kind, oracle, average) in pairs.items():
        known = oracle(11, average=average, ignore_index=IGNORE)(torch.from_numpy(predicted), torch.from_numpy(truth))
        yield Parity(f"{name} equals torchmetrics'", kind(ids, found).value, float(known), 1e-6)


QUESTIONS: tuple[Callable[[], Iterator[Parity]], ...] = (
    frechet_of_itself,
    frechet_by_scipy,
    frechet_by_clean_fid,
    frechet_by_torchmetrics,
    kernel_by_torchmetrics,
    segmentation_by_hand,
    segmentation_by_torchmetrics,
    means_over_classes_by_torchmetrics,
    segmentation_by_mmsegmentation,
)
