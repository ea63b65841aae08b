"""What follows from confusion counts: means over classes of IoU, F1 and accuracy; of all pixels, IoU and accuracy."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from ...symmflow.errors import InputError
from .. import statistics
from ..protocols.rules import BACKGROUND
from ..records import Missing
from ..statistics import Difference, Interval, MeanRatio
from ..statistics.ratios import FEW_IN_ALL, LEAST_IN_ALL
from .areas import PARTS, Areas
from .metric import Floor, Metric, Subject
from .sample import Array, Regions

if TYPE_CHECKING:
    import pandas as pd

    from ..records import Evidence

INTERVAL = "jackknife over images"
OTHERS = "their evidence tells of other truths; run them again with --force"
VOID = "every pixel of the truth is void"
BARE = "the truth has no class but background"
R = TypeVar("R", bound=Regions)


class Ratios(Regions):
    """A mean over classes of ratios of areas; no resamples in its interval, which would lack classes of few images."""

    @property
    @abstractmethod
    def ratios(self) -> MeanRatio:
        """The ratios by image and class."""

    def interval(self, share: bool) -> Interval:
        return self.ratios.interval()

    def minus(self, other: Self, share: bool) -> Difference | Missing:
        if not self.ratios.pairs(other.ratios):
            return Missing(OTHERS)
        gap = self.ratios - other.ratios
        return statistics.paired_ratios(gap) if gap.told or gap.nothing else Missing(statistics.FEW)

    @property
    def error(self) -> float | None:
        return self.ratios.error if self.ratios.told else None


class MeanIoU(Ratios):
    """IoU a class over the data set, mean over the classes present; a resample without one leaves it out."""

    def at(self, weights: Array) -> Array:
        return _over_classes(self.areas.iou(weights)[:, self.areas.present])

    @cached_property
    def ratios(self) -> MeanRatio:
        hit, truth, predicted = _present(self.areas)
        return MeanRatio.of(self.value, hit, truth + predicted - hit, (truth > 0).sum(axis=0))


class MeanF1(Ratios):
    """F1 (Dice) a class over the data set, mean over the classes present; a resample without one leaves it out."""

    def at(self, weights: Array) -> Array:
        hit, truth, predicted = _sums(self.areas, weights)
        return _mean(2 * hit, truth + predicted, truth)

    @cached_property
    def ratios(self) -> MeanRatio:
        hit, truth, predicted = _present(self.areas)
        return MeanRatio.of(self.value, 2 * hit, truth + predicted, (truth > 0).sum(axis=0))


class MeanAccuracy(Ratios):
    """Share of a class's pixels that are right, mean over the classes present; a resample without one leaves it out."""

    def at(self, weights: Array) -> Array:
        hit, truth, _ = _sums(self.areas, weights)
        return _mean(hit, truth, truth)

    @cached_property
    def ratios(self) -> MeanRatio:
        hit, truth, _ = _present(self.areas)
        return MeanRatio.of(self.value, hit, truth, (truth > 0).sum(axis=0))


class FrequencyWeightedIoU(Regions):
    """IoU a class over the data set, mean with the classes' shares of the pixels as weights (Long et al. 2015)."""

    def at(self, weights: Array) -> Array:
        truth = weights @ self.areas.truth
        return np.asarray(np.nansum(self.areas.iou(weights) * truth, axis=1) / truth.sum(axis=1))

    def interval(self, share: bool) -> Interval:
        if len(self.ids) < LEAST_IN_ALL:
            return Interval(self.value, float("-inf"), float("inf"), FEW_IN_ALL)
        return super().interval(share)


class PixelAccuracy(Ratios):
    """Share of right pixels."""

    def at(self, weights: Array) -> Array:
        return np.asarray((weights @ self.areas.hit.sum(axis=1)) / (weights @ self.areas.truth.sum(axis=1)))

    @cached_property
    def ratios(self) -> MeanRatio:
        hit, truth = (part.sum(axis=1, keepdims=True) for part in (self.areas.hit, self.areas.truth))
        return MeanRatio.of(self.value, hit, truth, (truth > 0).sum(axis=0))

    def frame(self) -> pd.DataFrame:
        """The sums over classes, which are all that matters."""
        return Areas(*(getattr(self.areas, part).sum(axis=1, keepdims=True) for part in PARTS)).frame(self.ids)


def regions(
    kind: type[R], evidence: Evidence, subject: Subject, table: str = "confusion", *, foreground: bool = False
) -> R | Missing:
    """A metric of the areas in a table of sparse counts; `foreground`: of all classes but the one named background."""
    if not subject.classes:
        return Missing("the record does not name its classes; run the cell again")
    areas = evidence.once((table, subject.classes, subject.ignored), lambda: _areas(evidence, subject, table))
    if foreground:
        areas = areas.of([k for k, name in enumerate(subject.classes) if name != BACKGROUND])
    return kind(evidence.ids, areas) if areas.present.any() else Missing(BARE if foreground else VOID)


def _sums(areas: Areas, weights: Array) -> tuple[Array, ...]:
    """Pixels hit, in the truth, in the prediction, for weights [R, n]: [R, K] each, of the classes present."""
    return tuple(weights @ part for part in _present(areas))


def _present(areas: Areas) -> tuple[Array, ...]:
    """Hit, truth and prediction of the classes present."""
    return tuple(getattr(areas, part)[:, areas.present] for part in PARTS)


def _over_classes(ratios: Array) -> Array:
    """Mean over the classes that are there, [R], of ratios [R, K]; NaN where none is."""
    there = np.isfinite(ratios)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, ratios, 0.0).sum(axis=1) / there.sum(axis=1))


def _mean(top: Array, bottom: Array, truth: Array) -> Array:
    """Mean over classes, [R], of ratios [R, K]; where the truth has no pixel of a class, without it."""
    with np.errstate(invalid="ignore"):
        return _over_classes(np.where(truth > 0, top / bottom, np.nan))


def _areas(evidence: Evidence, subject: Subject, table: str) -> Areas:
    import pandas as pd

    rows = evidence.table(table)
    if out := [subject.classes.index(name) for name in subject.ignored]:
        rows = rows[~rows["truth"].isin(out)]
    image = pd.Index(evidence.ids).get_indexer(pd.Index(rows["id"]))
    truth, predicted, pixels = (rows[c].to_numpy(np.int64) for c in ("truth", "prediction", "pixels"))
    of_class = np.concatenate([truth, predicted])
    if min(of_class.min(initial=0), image.min(initial=0), pixels.min(initial=0)) < 0 or (
        of_class.max(initial=0) >= len(subject.classes)
    ):
        raise InputError(
            f"{table} in {evidence.folder} is damaged (it counts classes, images or pixels that there are not); remove "
            "the folder and run the cell again."
        )
    return Areas.from_sparse(image, truth, predicted, pixels, len(evidence.ids), len(subject.classes))


def iou_per_class(evidence: Evidence, subject: Subject, table: str = "confusion") -> dict[str, float | None]:
    """IoU a class; None for a class that the truth does not have."""
    found = regions(MeanIoU, evidence, subject, table)
    if isinstance(found, Missing):
        return {}
    iou, present = found.areas.iou()[0], found.areas.present
    return {name: float(iou[k]) if present[k] else None for k, name in enumerate(subject.classes)}


def named_classes(subject: Subject) -> dict[str, Any]:
    """What comparisons need to read the counts again."""
    return {"classes": list(subject.classes), "ignored_classes": list(subject.ignored)}


def _details(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    return named_classes(subject) | {"iou_per_class": iou_per_class(evidence, subject)}


MIOU = Metric(
    name="miou",
    version=1,
    tasks=("ss",),
    what="IoU a class over the whole split, mean over the classes present",
    interval=INTERVAL,
    floor=Floor(absolute=0.01),
    labels="masks",
    kind=MeanIoU,
    headline=True,
    rank=20,
    sample=lambda evidence, subject: regions(MeanIoU, evidence, subject),
    details=_details,
)
PIXEL_ACCURACY = Metric(
    name="pixel_accuracy",
    version=1,
    tasks=("ss",),
    what="share of right pixels",
    interval=INTERVAL,
    floor=Floor(absolute=0.005),
    labels="masks",
    kind=PixelAccuracy,
    rank=21,
    sample=lambda evidence, subject: regions(PixelAccuracy, evidence, subject),
    details=_details,
)
MEAN_F1 = Metric(
    name="mean_f1",
    tasks=("ss",),
    what="F1 a class over the whole split, mean over the classes present but background (as face parsing has it)",
    interval=INTERVAL,
    floor=Floor(absolute=0.01, tier="advisory"),
    labels="masks",
    kind=MeanF1,
    rank=22,
    sample=lambda evidence, subject: regions(MeanF1, evidence, subject, foreground=True),
)
MEAN_ACCURACY = Metric(
    name="mean_accuracy",
    tasks=("ss",),
    what="share of a class's pixels that are right, mean over the classes present",
    interval=INTERVAL,
    floor=Floor(absolute=0.01, tier="advisory"),
    labels="masks",
    kind=MeanAccuracy,
    compared=False,
    rank=23,
    sample=lambda evidence, subject: regions(MeanAccuracy, evidence, subject),
)
FW_IOU = Metric(
    name="fw_iou",
    tasks=("ss",),
    what="IoU a class over the whole split, mean weighted by the classes' shares of the pixels",
    floor=Floor(absolute=0.005, tier="advisory"),
    labels="masks",
    kind=FrequencyWeightedIoU,
    compared=False,
    rank=24,
    sample=lambda evidence, subject: regions(FrequencyWeightedIoU, evidence, subject),
)
