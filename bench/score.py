"""From evidence to figures: no network, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import statistics
from .metrics.confusion import Areas
from .metrics.extractors import metric_name
from .metrics.frechet import frechet, kernel_distance
from .records import Metric
from .statistics import Interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Subject:
    """What is scored: all that the figures depend on beside the evidence."""

    task: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    masks: bool
    """Labels are masks, not one class an image."""
    extractor: str | None = None
    lpips: bool = False
    aligner: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why there is no extractor, lpips or aligner."""


Tables = Mapping[str, "pd.DataFrame"]
Scores = tuple[dict[str, Metric], dict[str, str], dict[str, Any]]
"""Metrics, absent metrics with the reason, details."""


def score(subject: Subject, tables: Tables, reference: Tables) -> Scores:
    """The figures of a cell from its evidence; `reference`: the same tables of the real images (synthesis)."""
    return {"cls": _classification, "ss": _segmentation, "sis": _synthesis}[subject.task](subject, tables, reference)


def _classification(subject: Subject, tables: Tables, reference: Tables) -> Scores:
    table = tables["predictions"]
    correct = (table["label"] == table["prediction"]).to_numpy()
    n, classes = len(correct), subject.classes
    metrics = {"accuracy": _share(statistics.wilson(int(correct.sum()), n))}
    absent = {}
    if len(classes) >= 10:
        metrics["top5"] = _share(statistics.wilson(int(in_five(table).sum()), n))
    else:
        absent["top5"] = f"{len(classes)} classes are too few for a top-5"
    per_class = {
        name: float(correct[table["label"] == k].mean())
        for k, name in enumerate(classes)
        if (table["label"] == k).any()
    }
    return metrics, absent, {"accuracy_per_class": per_class}


def in_five(table: pd.DataFrame) -> pd.Series:
    """Whether the right class is among the five best of each image; a tie counts against the method."""
    import pandas as pd

    scores, label = np.stack(table["scores"].to_list()), table["label"].to_numpy()
    own = scores[np.arange(len(table)), label]
    return pd.Series((scores >= own[:, None]).sum(axis=1) <= 5, index=table.index)


def _segmentation(subject: Subject, tables: Tables, reference: Tables) -> Scores:
    areas = _areas(subject, tables["confusion"])
    if not areas.present.any():
        return {}, dict.fromkeys(("miou", "pixel_accuracy"), "every pixel of the truth is void"), {}
    return (
        {"miou": _share(areas.miou()), "pixel_accuracy": _share(areas.pixel_accuracy())},
        {},
        {"iou_per_class": _per_class(subject, areas)},
    )


def _synthesis(subject: Subject, tables: Tables, reference: Tables) -> Scores:
    table = tables["samples"]
    metrics: dict[str, Metric] = {}
    absent: dict[str, str] = {}
    details: dict[str, Any] = {}
    if subject.extractor is not None:
        features = np.stack(table["features"].to_list())
        real = np.stack(reference["samples"]["features"].to_list())
        ids, real_ids = table["id"].to_list(), reference["samples"]["id"].to_list()
        n, d = features.shape
        details["features"] = {"n": n, "reference_n": len(real), "d": d, "n_over_d": round(n / d, 2)}
        if min(n, len(real)) < 2:
            absent |= {metric_name(f, subject.extractor): "one image has no covariance" for f in ("fid", "kid")}
        else:
            for family, distance in (("fid", frechet), ("kid", kernel_distance)):
                found = distance(features, ids, real, real_ids)
                metrics[metric_name(family, subject.extractor)] = _distance(found.interval)
                details.setdefault("jackknife", {})[metric_name(family, subject.extractor)] = found.without
        name = metric_name("feature_diversity", subject.extractor)
        if "feature_diversity" in table:
            first = table[table["draw"] == 0]["feature_diversity"].to_numpy(float)
            metrics[name] = _distance(_mean(first), better="higher")
        else:
            absent[name] = "one sample a label has no pairs (--samples-per-mask)"
        if min(n, len(real)) < d:
            details["features"]["warning"] = "fewer images than feature dimensions: the Fréchet distance is mostly bias"
    else:
        absent |= dict.fromkeys(("fid", "kid", "feature_diversity"), subject.reasons["extractor"])
    if subject.lpips:
        metrics["lpips_gt"] = _distance(_mean(table["lpips_gt"].to_numpy(float)))
        if "lpips_diversity" in table:
            first = table[table["draw"] == 0]["lpips_diversity"].to_numpy(float)
            metrics["lpips_diversity"] = _distance(_mean(first), better="higher")
        else:
            absent["lpips_diversity"] = "one sample a label has no pairs (--samples-per-mask)"
    else:
        absent |= dict.fromkeys(("lpips_gt", "lpips_diversity"), subject.reasons["lpips"])
    if not subject.aligner:
        absent["alignment"] = subject.reasons["aligner"]
    elif subject.masks:
        areas, ceiling = _areas(subject, tables["alignment"]), _areas(subject, reference["alignment"])
        metrics["alignment_miou"] = _share(areas.miou())
        metrics["alignment_miou_real"] = _share(ceiling.miou())
        details["alignment_iou_per_class"] = _per_class(subject, areas)
    else:
        for name, source in (("alignment_accuracy", tables), ("alignment_accuracy_real", reference)):
            aligned = source["samples"]["aligned"].to_numpy(bool)
            metrics[name] = _share(statistics.wilson(int(aligned.sum()), len(aligned)))
    return metrics, absent, details


def _areas(subject: Subject, table: pd.DataFrame) -> Areas:
    position = {sample_id: row for row, sample_id in enumerate(subject.ids)}
    image = table["id"].map(position).to_numpy()
    truth, predicted, pixels = (table[c].to_numpy(np.int64) for c in ("truth", "prediction", "pixels"))
    return Areas.from_sparse(image, truth, predicted, pixels, len(position), len(subject.classes))


def _per_class(subject: Subject, areas: Areas) -> dict[str, float | None]:
    """IoU a class; None for a class that the truth does not have."""
    iou = areas.iou()[0]
    return {name: float(iou[k]) if areas.present[k] else None for k, name in enumerate(subject.classes)}


def _mean(values: np.ndarray) -> Interval:
    return statistics.bootstrap(lambda w: w @ values / w.sum(axis=1), len(values))


def _share(interval: Interval) -> Metric:
    return Metric(value=interval.value, low=interval.low, high=interval.high, covers=interval.covers)


def _distance(interval: Interval, better: str = "lower") -> Metric:
    finite = np.isfinite(interval.low)
    return Metric(
        value=interval.value,
        low=interval.low if finite else None,
        high=interval.high if finite else None,
        unit="distance",
        better=better,  # type: ignore[arg-type]
        covers=interval.covers,
    )
