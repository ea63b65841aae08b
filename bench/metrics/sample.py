"""A metric of a row as a function of weights on what it was measured on: what pairing and resampling need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import statistics
from ..records import evidence
from ..records.evidence import Evidence
from ..records.record import Record
from .calibration import brier
from .confusion import Areas
from .score import areas_of, in_five

Array = np.ndarray
Stored = tuple[Record, Path]
"""A record and the folder of its cell."""

REGIONS = {"miou": "confusion", "pixel_accuracy": "confusion", "cycle_miou": "confusion", "alignment_miou": "alignment"}
"""Metrics of confusion counts, and the table that has them."""
BY_GROUP = ("fid", "fid_infinity", "kid", "ece")
"""Metrics of whole sets of images: known by group of ids alone."""
COLUMNS = {"alignment_accuracy": "aligned", "cycle_accuracy": "aligned"}
"""Where values of single images lie under another name than their metric's."""


def family(metric: str) -> str:
    """`fid` of `fid[digits-cnn]`."""
    return metric.partition("[")[0]


@dataclass(frozen=True)
class Sample(ABC):
    """What a metric of one row was measured on."""

    ids: tuple[str, ...]
    """Of the images; of the groups of images where only these are known."""

    @abstractmethod
    def at(self, weights: Array) -> Array:
        """The metric for weights [R, n]: [R]."""

    def taking(self, other: Any, where: Array) -> Sample | None:
        """This one with the entries of `other` where `where` [n] is true; None where entries cannot be exchanged."""
        return None

    @property
    def value(self) -> float:
        return float(self.at(np.ones((1, len(self.ids))))[0])


@dataclass(frozen=True)
class Values(Sample):
    """A value an image, and their mean."""

    values: Array

    def at(self, weights: Array) -> Array:
        return np.asarray(weights @ self.values / weights.sum(axis=1))

    def taking(self, other: Values, where: Array) -> Values:
        return Values(self.ids, np.where(where, other.values, self.values))

    @property
    def binary(self) -> bool:
        return bool(np.isin(self.values, (0.0, 1.0)).all())


@dataclass(frozen=True)
class Regions(Sample):
    """Areas an image; their mean IoU over the classes present, or their share of right pixels."""

    areas: Areas
    pixels: bool

    def at(self, weights: Array) -> Array:
        if self.pixels:
            return np.asarray((weights @ self.areas.hit.sum(axis=1)) / (weights @ self.areas.truth.sum(axis=1)))
        return np.asarray(np.nanmean(self.areas.iou(weights)[:, self.areas.present], axis=1))

    def taking(self, other: Regions, where: Array) -> Regions:
        def mixed(name: str) -> Array:
            return np.where(where[:, None], getattr(other.areas, name), getattr(self.areas, name))

        return Regions(self.ids, Areas(mixed("hit"), mixed("truth"), mixed("predicted")), self.pixels)


@dataclass(frozen=True)
class Groups(Sample):
    """A figure of a set and what it is without each group; its pseudo-values (Tukey 1958) stand for single ones."""

    whole: float
    without: Array
    second: Array
    """Second differences, see `statistics.jackknife_error`."""

    def at(self, weights: Array) -> Array:
        """Spread as widely as the corrected error says, not as the pseudo-values do."""
        groups, without = len(self.without), self.without.tolist()
        apart = (groups - 1) * (self.without.mean() - self.without)  # pseudo-values about their mean
        plain = statistics.jackknife_error(without)
        scale = statistics.jackknife_error(without, self.second.tolist()) / plain if plain else 1.0
        return np.asarray(self.whole + scale * (weights @ apart) / weights.sum(axis=1))


def sample(metric: str, side: Sequence[Stored]) -> Sample | str:
    """A metric of a row (records that differ in the seed alone; they are averaged), or why there is none."""
    if family(metric) in BY_GROUP:
        return _groups(metric, side)
    if metric in REGIONS:
        return _regions(metric, side)
    return _values(metric, side)


def table(stored: Stored, name: str) -> Any:
    """A table of a record's evidence."""
    return Evidence.of(*stored).table(name)


def _groups(metric: str, side: Sequence[Stored]) -> Groups | str:
    # FID-infinity is a shift of the distance by its bias, so both have the values without a group in common
    stored = [r.details.get("jackknife", {}).get(metric) for r, _ in side]
    if any(not isinstance(v, dict) for v in stored):
        return "no jackknife values were stored"
    groups = len(stored[0]["without"])
    if not groups or any(len(v["without"]) != groups for v in stored):
        return "too few groups of images for a jackknife"
    value = float(np.mean([r.metrics[metric].value for r, _ in side]))
    without, second = (np.mean([v[name] for v in stored], axis=0) for name in ("without", "second"))
    return Groups(tuple(map(str, range(groups))), value, without, second)


def _regions(metric: str, side: Sequence[Stored]) -> Regions | str:
    parts, ids = [], None
    for stored in side:
        if "classes" not in stored[0].details:
            return "the record does not name its classes; run the cell again"
        rows = table(stored, REGIONS[metric])
        mine = tuple(sorted(rows["id"].unique()))
        if ids not in (None, mine):
            return "the evidence is not of the same images"
        ids = mine
        parts.append(areas_of(rows, mine, stored[0].details["classes"], stored[0].details["ignored_classes"]))
    if not ids:
        return "no evidence of single images"
    total = [np.sum([getattr(p, name) for p in parts], axis=0) for name in ("hit", "truth", "predicted")]
    return Regions(ids, Areas(*total), metric == "pixel_accuracy")


def _values(metric: str, side: Sequence[Stored]) -> Values | str:
    import pandas as pd

    found = []
    for stored in side:
        rows = table(stored, evidence.MAIN[stored[0].task])
        if metric == "accuracy":
            values = (rows["label"] == rows["prediction"]).astype(float)
        elif metric == "top5":
            values = (rows["top5"] if "top5" in rows else in_five(rows)).astype(float)
        elif metric == "brier" and "scores" in rows:
            values = pd.Series(brier(np.stack(rows["scores"].to_list()), rows["label"].to_numpy()), rows.index)
        else:
            column = COLUMNS.get(metric, family(metric))
            if column not in rows:
                return "no evidence of single images"
            values = rows[column].astype(float)
        found.append(values.groupby(rows["id"]).mean())
    joined = pd.concat(found, axis=1).sort_index()
    if joined.isna().to_numpy().any():
        return "the evidence is not of the same images"
    return Values(tuple(joined.index), joined.mean(axis=1).to_numpy())
