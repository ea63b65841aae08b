"""From evidence to figures: no network, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import statistics
from ..judges.extractors import metric_name
from ..records.evidence import Evidence
from ..records.record import Metric
from ..statistics import Interval, Jackknifed
from .calibration import brier, expected_calibration_error
from .confusion import Areas
from .frechet import at_infinity, frechet, kernel_distance

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
    metrics: tuple[str, ...]
    """Families that the protocol asks for."""
    ignored: tuple[str, ...] = ()
    """Classes whose pixels count for nothing."""
    extractor: str | None = None
    lpips: bool = False
    aligner: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why there is no extractor, lpips or aligner."""


VOID = "every pixel of the truth is void"
Scores = tuple[dict[str, Metric], dict[str, str], dict[str, Any]]
"""Metrics, absent metrics with the reason, details."""


def score(subject: Subject, found: Evidence, reference: Evidence | None = None) -> Scores:
    """The figures of a cell from its evidence; `reference`: that of the real images (synthesis)."""
    if subject.task == "sis":
        if reference is None:
            raise ValueError("a synthesis is scored against the evidence of real images")
        metrics, absent, details = _synthesis(subject, found, reference)
    else:
        rest = {"cls": _classification, "ss": _segmentation, "cycle": _cycle}
        metrics, absent, details = rest[subject.task](subject, found)
    return (
        {name: metric for name, metric in metrics.items() if _family(name) in subject.metrics},
        {name: reason for name, reason in absent.items() if _family(name) in subject.metrics},
        details,
    )


def _family(metric: str) -> str:
    """`fid` of `fid[digits-cnn]`, `alignment` of `alignment_miou_real`."""
    return "alignment" if metric.startswith("alignment") else metric.partition("[")[0]


def _classification(subject: Subject, found: Evidence) -> Scores:
    table = found.table("predictions")
    correct = (table["label"] == table["prediction"]).to_numpy()
    n, classes = len(correct), subject.classes
    metrics = {"accuracy": _share(statistics.wilson(int(correct.sum()), n))}
    absent = {}
    details: dict[str, Any] = {}
    if len(classes) >= 10:
        metrics["top5"] = _share(statistics.wilson(int(in_five(table).sum()), n))
    else:
        absent["top5"] = f"{len(classes)} classes are too few for a top-5"
    scale = str(table["scale"].iloc[0]) if "scale" in table else "unknown"
    if scale == "probability":
        probabilities, labels = np.stack(table["scores"].to_list()), table["label"].to_numpy()
        metrics["brier"] = _distance(_mean(brier(probabilities, labels)))
        error = expected_calibration_error(probabilities, labels, table["id"].to_list())
        metrics["ece"] = _finite(error.interval, "fraction", "lower")
        details |= _jackknife("ece", error)
    else:
        absent |= dict.fromkeys(("brier", "ece"), f"the scores are no probabilities ({scale})")
    details["accuracy_per_class"] = {
        name: float(correct[table["label"] == k].mean())
        for k, name in enumerate(classes)
        if (table["label"] == k).any()
    }
    return metrics, absent, details


def in_five(table: pd.DataFrame) -> pd.Series:
    """Whether the right class is among the five best of each image; a tie counts against the method."""
    import pandas as pd

    scores, label = np.stack(table["scores"].to_list()), table["label"].to_numpy()
    own = scores[np.arange(len(table)), label]
    return pd.Series((scores >= own[:, None]).sum(axis=1) <= 5, index=table.index)


def _segmentation(subject: Subject, found: Evidence) -> Scores:
    areas = _areas(subject, found.table("confusion"))
    if not areas.present.any():
        return {}, dict.fromkeys(("miou", "pixel_accuracy"), VOID), {}
    return (
        {"miou": _share(areas.miou()), "pixel_accuracy": _share(areas.pixel_accuracy())},
        {},
        _classes(subject) | {"iou_per_class": _per_class(subject, areas)},
    )


def _cycle(subject: Subject, found: Evidence) -> Scores:
    table = found.table("cycles")
    metrics: dict[str, Metric] = {}
    absent: dict[str, str] = {}
    details: dict[str, Any] = {}
    if subject.masks and not (areas := _areas(subject, found.table("confusion"))).present.any():
        absent["cycle_miou"] = VOID
    elif subject.masks:
        metrics["cycle_miou"] = _share(areas.miou())
        details = _classes(subject) | {"iou_per_class": _per_class(subject, areas)}
    else:
        metrics["cycle_accuracy"] = _share(statistics.wilson(int(table["aligned"].sum()), len(table)))
    if subject.extractor is not None:
        name = metric_name("cycle_features", subject.extractor)
        metrics[name] = _distance(_mean(table["cycle_features"].to_numpy(float)))
    else:
        absent["cycle_features"] = subject.reasons["extractor"]
    if subject.lpips:
        metrics["cycle_lpips"] = _distance(_mean(table["cycle_lpips"].to_numpy(float)))
    else:
        absent["cycle_lpips"] = subject.reasons["lpips"]
    return metrics, absent, details


def _synthesis(subject: Subject, found: Evidence, reference: Evidence) -> Scores:
    table = found.table("samples")
    metrics: dict[str, Metric] = {}
    absent: dict[str, str] = {}
    details: dict[str, Any] = _classes(subject) if subject.masks else {}
    if subject.extractor is not None:
        _features(subject, found, reference, metrics, absent, details)
    else:
        families = ("fid", "fid_infinity", "kid", "feature_diversity")
        absent |= dict.fromkeys(families, subject.reasons["extractor"])
    if subject.lpips:
        metrics["lpips_gt"] = _distance(_mean(_by_label(table, "lpips_gt")))
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
        areas, ceiling = (_areas(subject, side.table("alignment")) for side in (found, reference))
        if areas.present.any():
            metrics["alignment_miou"] = _share(areas.miou())
            metrics["alignment_miou_real"] = _share(ceiling.miou())
            details["alignment_iou_per_class"] = _per_class(subject, areas)
        else:
            absent["alignment"] = VOID
    else:
        for name, source in (("alignment_accuracy", found), ("alignment_accuracy_real", reference)):
            aligned = _by_label(source.table("samples"), "aligned")
            single = np.isin(aligned, (0.0, 1.0)).all()  # one sample a label, or all samples of each alike
            interval = statistics.wilson(int(aligned.sum()), len(aligned)) if single else _mean(aligned)
            metrics[name] = _share(interval)
    return metrics, absent, details


def _features(
    subject: Subject,
    found: Evidence,
    reference: Evidence,
    metrics: dict[str, Metric],
    absent: dict[str, str],
    details: dict[str, Any],
) -> None:
    """Distances between features of syntheses and of real images, read block by block."""
    assert subject.extractor is not None
    table, extractor = found.table("samples"), subject.extractor
    d = next(found.features(1))[1].shape[1]
    n, real = len(table), len(reference.table("samples"))
    details["features"] = {"n": n, "reference_n": real, "d": d, "n_over_d": round(n / d, 2)}
    if min(n, real) < 2:
        families = ("fid", "fid_infinity", "kid")
        absent |= {metric_name(f, extractor): "one image has no covariance" for f in families}
    else:
        made: dict[str, Jackknifed] = {}
        if {"fid", "fid_infinity"} & set(subject.metrics):
            made["fid"] = frechet(found.features, reference.features)
            if min(n, real) > d and made["fid"].without:
                made["fid_infinity"] = at_infinity(made["fid"])
            else:
                absent[metric_name("fid_infinity", extractor)] = (
                    f"{min(n, real):,} images are too few for {d:,} features"
                )
        if "kid" in subject.metrics:
            made["kid"] = kernel_distance(found.features, reference.features)
        for family, distance in made.items():
            metrics[metric_name(family, extractor)] = _distance(distance.interval)
            details.setdefault("jackknife", {}).update(
                _jackknife(metric_name(family, extractor), distance)["jackknife"]
            )
    name = metric_name("feature_diversity", extractor)
    if "feature_diversity" in table:
        first = table[table["draw"] == 0]["feature_diversity"].to_numpy(float)
        metrics[name] = _distance(_mean(first), better="higher")
    else:
        absent[name] = "one sample a label has no pairs (--samples-per-mask)"
    if min(n, real) < d:
        details["features"]["warning"] = "fewer images than feature dimensions: the Fréchet distance is mostly bias"


def _classes(subject: Subject) -> dict[str, Any]:
    return {"classes": list(subject.classes), "ignored_classes": list(subject.ignored)}


def _areas(subject: Subject, table: pd.DataFrame) -> Areas:
    return areas_of(table, subject.ids, subject.classes, subject.ignored)


def areas_of(table: pd.DataFrame, ids: Sequence[str], classes: Sequence[str], ignored: Sequence[str]) -> Areas:
    """Areas of the images `ids`, in that order, from sparse counts."""
    import pandas as pd

    out = [classes.index(name) for name in ignored]
    if out:
        table = table[~table["truth"].isin(out)]
    image = pd.Index(ids).get_indexer(pd.Index(table["id"]))
    truth, predicted, pixels = (table[c].to_numpy(np.int64) for c in ("truth", "prediction", "pixels"))
    return Areas.from_sparse(image, truth, predicted, pixels, len(ids), len(classes))


def _per_class(subject: Subject, areas: Areas) -> dict[str, float | None]:
    """IoU a class; None for a class that the truth does not have."""
    iou = areas.iou()[0]
    return {name: float(iou[k]) if areas.present[k] else None for k, name in enumerate(subject.classes)}


def _by_label(table: pd.DataFrame, column: str) -> np.ndarray:
    """Means over the samples of each label, which are not independent of each other: [labels]."""
    return table[column].astype(float).groupby(table["id"], sort=False).mean().to_numpy()


def _mean(values: np.ndarray) -> Interval:
    return statistics.bootstrap(lambda w: w @ values / w.sum(axis=1), len(values))


def _jackknife(metric: str, found: Jackknifed) -> dict[str, Any]:
    """What paired differences need of a figure, for the record's details."""
    return {"jackknife": {metric: {"without": list(found.without), "second": list(found.second)}}}


def _share(interval: Interval) -> Metric:
    return _finite(interval, "fraction", "higher")


def _distance(interval: Interval, better: str = "lower") -> Metric:
    return _finite(interval, "distance", better)


def _finite(interval: Interval, unit: str, better: str) -> Metric:
    """A figure without an interval where there is none to tell; that of a share ends at 0 and 1."""
    known = bool(np.isfinite(interval.low))
    ends = [interval.low, interval.high]
    if unit == "fraction":
        ends = [min(max(end, 0.0), 1.0) for end in ends]
    return Metric(
        value=interval.value,
        low=ends[0] if known else None,
        high=ends[1] if known else None,
        unit=unit,  # type: ignore[arg-type]
        better=better,  # type: ignore[arg-type]
        covers=interval.covers,
    )
