"""Consistency of a method with itself: label -> image -> label, and image -> label -> image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .metric import Floor, Metric, Subject
from .sample import Values
from .segmentation import INTERVAL, MeanIoU, iou_per_class, named_classes, regions

if TYPE_CHECKING:
    from ..records import Evidence


def _column(evidence: Evidence, column: str) -> Values:
    rows = evidence.table("samples")
    return Values.of(rows["id"], rows[column])


def _details(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    return named_classes(subject) | {"iou_per_class": iou_per_class(evidence, subject)}


_CYCLE: dict[str, Any] = {"version": 1, "tasks": ("cycle",)}
_SHARE: dict[str, Any] = _CYCLE | {"floor": Floor(absolute=0.01), "headline": True}
_DISTANCE: dict[str, Any] = _CYCLE | {"unit": "distance", "better": "lower"}
CYCLE_MIOU = Metric(
    name="cycle_miou",
    what="mask -> image -> mask: mIoU with the mask",
    interval=INTERVAL,
    labels="masks",
    kind=MeanIoU,
    rank=40,
    sample=lambda evidence, subject: regions(MeanIoU, evidence, subject),
    details=_details,
    **_SHARE,
)
CYCLE_ACCURACY = Metric(
    name="cycle_accuracy",
    what="class -> image -> class: share of right classes",
    interval="Wilson",
    labels="classes",
    rank=41,
    sample=lambda evidence, subject: _column(evidence, "aligned"),
    **_SHARE,
)
CYCLE_FEATURES = Metric(
    name="cycle_features",
    what="image -> label -> image: distance of features; named like fid",
    floor=Floor(relative=0.05),
    judge="extractor",
    own_judge="inception",
    rank=42,
    sample=lambda evidence, subject: _column(evidence, "cycle_features"),
    **_DISTANCE,
)
CYCLE_LPIPS = Metric(
    name="cycle_lpips",
    what="image -> label -> image: LPIPS to the image",
    floor=Floor(absolute=0.01),
    judge="lpips",
    rank=43,
    sample=lambda evidence, subject: _column(evidence, "cycle_lpips"),
    **_DISTANCE,
)
