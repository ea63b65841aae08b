"""Is one better than the other? Differences of two rows of a table, paired by sample id, with a verdict."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..symmflow.errors import InputError
from . import evidence, statistics
from .metrics.confusion import Areas
from .records import Record
from .score import in_five
from .statistics import Difference

if TYPE_CHECKING:
    import pandas as pd

Stored = tuple[Record, Path]
"""A record and the folder of its cell."""

FLOORS = Path(__file__).parent / "floors.toml"


@dataclass(frozen=True)
class Verdict:
    """A difference of one metric and what it means."""

    metric: str
    difference: Difference
    """Ours minus the baseline's, in the units of the metric."""
    floor: float
    """Differences smaller than this do not matter."""
    p: float
    """Adjusted for all comparisons of the table (Holm)."""
    word: str
    """`better`, `worse`, `equivalent` or `inconclusive`."""
    reason: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Floor:
    """The smallest difference that matters: absolute, or a share of the baseline's value."""

    absolute: float | None = None
    relative: float | None = None

    def of(self, value: float) -> float:
        return self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(value)


def read_floors(path: Path | None = None) -> dict[str, Floor]:
    """Floors by metric family, `accuracy` or `fid`; the file's own, over the defaults."""
    floors = _floors(FLOORS)
    return floors | _floors(path) if path else floors


@lru_cache(maxsize=8)
def _floors(path: Path) -> dict[str, Floor]:
    try:
        tables = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"there is no file of floors at {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid TOML file: {error}.") from None
    floors = {}
    for name, table in tables.items():
        right = isinstance(table, dict) and len(table) == 1 and set(table) <= {"absolute", "relative"}
        if not right or not all(isinstance(v, int | float) and v >= 0 for v in table.values()):
            raise InputError(f"{path}: {name} takes either absolute = X or relative = X, zero or more.")
        floors[name] = Floor(**{k: float(v) for k, v in table.items()})
    return floors


def family(metric: str) -> str:
    """`fid` of `fid[digits-cnn]`."""
    return metric.partition("[")[0]


def verdict(
    metric: str, found: Difference, *, higher_is_better: bool, floor: float, p: float, seeds: Sequence[int] = ()
) -> Verdict:
    """What a difference means.

    Equivalent: the 90 % interval lies inside the floor (two one-sided tests at 5 %). Else better or worse: the 95 %
    interval excludes zero and the p value, adjusted for the whole table, is below 5 %. Else inconclusive.
    """
    shown = f"[{found.low:+.4g}, {found.high:+.4g}]"
    if found.within(floor):
        word, reason = "equivalent", f"the 90 % interval lies inside the floor of {floor:.3g}"
    elif (found.low > 0 or found.high < 0) and p < 0.05:
        word = "better" if (found.value > 0) == higher_is_better else "worse"
        reason = f"the 95 % interval {shown} excludes zero"
    elif found.low > 0 or found.high < 0:
        word, reason = (
            "inconclusive",
            f"the interval excludes zero, but not after correcting for the table (p = {p:.2g})",
        )
    else:
        word, reason = (
            "inconclusive",
            f"the 95 % interval {shown} holds zero and reaches beyond the floor of {floor:.3g}",
        )
    return Verdict(metric, found, floor, p, word, reason, tuple(seeds))


def difference(metric: str, ours: Sequence[Stored], base: Sequence[Stored]) -> Difference | str:
    """Ours minus the baseline's over the same ids, or why it cannot be told. Records of one row: one a seed.

    Seeds that both have are paired; where they share none, all seeds of each side are averaged.
    """
    ours, base = shared_seeds(ours, base)
    a, b = ours[0][0], base[0][0]
    if a.protocol["hash"] != b.protocol["hash"]:
        return "different protocols"
    if family(metric) in ("fid", "kid"):
        return _jackknife(metric, ours, base)
    if metric in ("miou", "alignment_miou", "pixel_accuracy"):
        return _areas_apart(metric, ours, base)
    values = [_per_image(metric, side) for side in (ours, base)]
    if isinstance(values[0], str) or isinstance(values[1], str):
        return "no evidence of single images"
    first, second = values[0], values[1].reindex(values[0].index)
    if second.isna().any():
        return "the evidence is not of the same images"
    x, y = first.to_numpy(float), second.to_numpy(float)
    if metric in ("accuracy", "top5", "alignment_accuracy") and set(np.unique([x, y])) <= {0.0, 1.0}:
        return statistics.paired_shares(x > 0, y > 0)
    return statistics.paired_bootstrap(lambda w: w @ (x - y) / w.sum(axis=1), len(x))


def shared_seeds(ours: Sequence[Stored], base: Sequence[Stored]) -> tuple[list[Stored], list[Stored]]:
    """The records of the seeds that both sides have; all of them where there is none."""
    both = {r.seed for r, _ in ours} & {r.seed for r, _ in base}
    if not both:
        return list(ours), list(base)
    return [s for s in ours if s[0].seed in both], [s for s in base if s[0].seed in both]


def _jackknife(metric: str, ours: Sequence[Stored], base: Sequence[Stored]) -> Difference | str:
    without = []
    for side in (ours, base):
        values = [r.details.get("jackknife", {}).get(metric) for r, _ in side]
        if any(not v for v in values):
            return "no jackknife values were stored"
        without.append(np.mean(values, axis=0))
    if len(without[0]) != len(without[1]) or len(without[0]) < 2:
        return "too few groups of images for a jackknife"
    value = [np.mean([r.metrics[metric].value for r, _ in side]) for side in (ours, base)]
    return statistics.paired_jackknife(float(value[0] - value[1]), without[0].tolist(), without[1].tolist())


def _areas_apart(metric: str, ours: Sequence[Stored], base: Sequence[Stored]) -> Difference | str:
    name = "alignment" if metric == "alignment_miou" else "confusion"
    ids = sorted(table(ours[0], name)["id"].unique())
    sides = [[areas(stored, ids, name) for stored in side] for side in (ours, base)]
    if any(found is None for side in sides for found in side):
        return "the evidence is not of the same images"

    def total(side: Sequence[Any]) -> Areas:
        parts = [[getattr(found, part) for found in side] for part in ("hit", "truth", "predicted")]
        return Areas(*(np.sum(part, axis=0) for part in parts))

    a, b = (total(side) for side in sides)

    def measured(areas: Areas, weights: np.ndarray) -> np.ndarray:
        if metric == "pixel_accuracy":
            return (weights @ areas.hit.sum(axis=1)) / (weights @ areas.truth.sum(axis=1))
        return np.nanmean(areas.iou(weights)[:, areas.present], axis=1)

    return statistics.paired_bootstrap(lambda w: measured(a, w) - measured(b, w), len(ids))


def _per_image(metric: str, side: Sequence[Stored]) -> pd.Series | str:
    """The metric of every image, averaged over seeds and draws; index: the ids."""
    import pandas as pd

    found = []
    for stored in side:
        rows = table(stored, evidence.MAIN[stored[0].task])
        if metric == "accuracy":
            values = (rows["label"] == rows["prediction"]).astype(float)
        elif metric == "top5":
            values = (rows["top5"] if "top5" in rows else in_five(rows)).astype(float)
        else:
            column = {"alignment_accuracy": "aligned"}.get(metric, family(metric))
            if column not in rows:
                return "no evidence"
            values = rows[column].astype(float)
        found.append(values.groupby(rows["id"]).mean())
    return pd.concat(found, axis=1).mean(axis=1)


def table(stored: Stored, name: str) -> pd.DataFrame:
    """A table of a record's evidence."""
    return evidence.read_table(stored[1], -(-stored[0].n // evidence.SHARD), name)


def areas(stored: Stored, ids: Sequence[str], name: str = "confusion") -> Areas | None:
    """Areas of the images `ids` in that order; None where the evidence is of other images."""
    rows = table(stored, name)
    position = {sample: row for row, sample in enumerate(ids)}
    if set(rows["id"].unique()) != set(ids):
        return None
    truth, predicted, pixels = (rows[c].to_numpy(np.int64) for c in ("truth", "prediction", "pixels"))
    per_class: Mapping[str, Any] = (
        stored[0].details.get("iou_per_class") or stored[0].details["alignment_iou_per_class"]
    )
    image = rows["id"].map(position).to_numpy()
    return Areas.from_sparse(image, truth, predicted, pixels, len(ids), len(per_class))
