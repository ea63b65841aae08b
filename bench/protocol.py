"""Protocols: how a figure is measured, frozen and hashed. Only results of one protocol may be compared."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..datasets import Split

METRIC_VERSIONS = {
    "accuracy": 1,
    "top5": 1,
    "miou": 1,
    "pixel_accuracy": 1,
    "fid": 1,
    "kid": 1,
    "lpips_gt": 1,
    "lpips_diversity": 1,
    "feature_diversity": 1,
    "alignment": 1,
}
"""Raised whenever the definition of a metric changes, so that old figures stay apart from new ones."""

METRICS_OF = {
    "cls": ("accuracy", "top5"),
    "ss": ("miou", "pixel_accuracy"),
    "sis": ("fid", "kid", "lpips_gt", "lpips_diversity", "feature_diversity", "alignment"),
}


class Protocol(BaseModel):
    """The measuring side. Its hash is the only thing that decides whether two results may be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Readable: `digit-scenes/sis@1`."""
    task: str
    dataset: str
    split: str
    n: int
    ids_sha256: str
    """Of the evaluated ids, in order; a limit changes it."""
    content_sha256: str
    """Of the evaluated images and labels."""
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    policy: dict[str, Any]
    """Rounding, ignored pixels, absent classes, reference set, samples a label."""
    evaluators: dict[str, str | None]
    """Extractor, segmenter or classifier, LPIPS backbone: `name:sha256`, or None where there is none."""
    metrics: dict[str, int]
    """Versions of the metrics."""

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON."""
        return content_hash(self.model_dump(mode="json"))


def content_hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def make(task: str, split: Split, *, samples_per_mask: int, evaluators: dict[str, str | None]) -> Protocol:
    """The harness's own protocol for a task on the samples of `split`."""
    policy: dict[str, Any] = {"preprocessing": "none: images as the data set's card says"}
    if task == "ss":
        policy |= {"averaged classes": f"all {len(split.card.classes)} classes of the card"} | {
            "ignored pixels": 255,
            "absent classes": "left out of the mean",
            "accumulation": "over the data set",
        }
    if task == "sis":
        policy |= {
            "uint8": "round, after clamping to [-1, 1]",
            "reference": "the real images of the same ids, through the same rounding",
            "samples per label": samples_per_mask,
            "kid": "all pairs, polynomial kernel of degree 3",
            "lpips pairs": "all pairs of samples of a label",
        }
    return Protocol(
        name=f"{split.card.name}/{task}@1",
        task=task,
        dataset=split.card.name,
        split=split.name,
        n=len(split),
        ids_sha256=split.ids_sha256,
        content_sha256=split.content_sha256,
        classes=split.card.classes,
        shape=split.card.shape,
        policy=policy,
        evaluators=evaluators,
        metrics={name: METRIC_VERSIONS[name] for name in METRICS_OF[task]},
    )
