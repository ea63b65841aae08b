"""Confusion counts of segmentations: what evidence keeps of masks."""

from __future__ import annotations

import numpy as np

from ...symmflow.pixels import IGNORE

Array = np.ndarray


def sparse_confusion(truth: Array, predicted: Array, num_classes: int) -> tuple[Array, Array, Array, Array]:
    """Counts of a batch of masks [B, H, W] as sparse rows: (position in the batch, truth, prediction, pixels).

    Pixels whose truth is `IGNORE` are left out; a prediction outside the classes is an error of the method.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"masks of {truth.shape} and predictions of {predicted.shape} differ")
    k = num_classes
    images = len(truth)
    if predicted.size and (predicted.min() < 0 or predicted.max() >= k):
        raise ValueError(f"predictions reach from {predicted.min()} to {predicted.max()}, beyond {k} classes")
    rows, gts, preds, counts = [], [], [], []
    for row in range(images):
        t = truth[row].ravel().astype(np.int64)
        p = predicted[row].ravel().astype(np.int64)
        keep = t != IGNORE
        dense = np.bincount(t[keep] * k + p[keep], minlength=k * k)
        filled = np.flatnonzero(dense)
        rows.append(np.full(len(filled), row))
        gts.append(filled // k)
        preds.append(filled % k)
        counts.append(dense[filled])
    joined = [np.concatenate(part) if part else np.empty(0, dtype=np.int64) for part in (rows, gts, preds, counts)]
    return joined[0], joined[1], joined[2], joined[3]
