"""Every class by itself: IoU, F1 and accuracy, from the counts of pixels that evidence keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ...reports.block import Block
from ...symmflow.errors import InputError
from .. import metrics
from ..metrics.segmentation import MeanAccuracy, MeanF1, MeanIoU, Ratios
from ..records import Figure, Missing
from . import text
from .rows import Row
from .tables import Table


@dataclass(frozen=True)
class OfClass:
    """One class as one row has it; means over its seeds."""

    name: str
    row: str
    method: str
    steps: int | None
    images: int
    """That hold the class."""
    share: float
    """Of the true pixels."""
    iou: Figure
    f1: Figure
    accuracy: Figure
    """Share of the class's pixels that are right: its recall."""


def blocks(tables: Sequence[Table]) -> list[Block]:
    """A block for each table and metric of areas. Raises `InputError` where there is none."""
    made = [_block(table, name) for table in tables for name in of_areas(table)]
    if not made:
        raise InputError("--per-class takes cells whose labels are masks; none of these are.")
    return made


def of_areas(table: Table) -> list[str]:
    """Its mean IoUs: each is of other counts."""
    known = {name: metrics.known(name) for name in table.metrics}
    return [name for name, metric in known.items() if metric and metric.compared and metric.kind is MeanIoU]


def of_classes(row: Row, metric: str) -> list[OfClass] | Missing:
    """The classes that the truth holds, in the order of the data set."""
    classes = row.record.details.get("classes")
    samples = metrics.samples_of(metric, row.cells)
    if isinstance(samples, Missing):
        return samples
    areas = [sample.areas for sample in samples if isinstance(sample, MeanIoU)]
    first = areas[0]
    if not classes or len(classes) != first.truth.shape[1]:
        return Missing("the record does not name its classes; run the cell again")
    found = []
    for k in np.flatnonzero(first.present).tolist():
        own = [one.of([k]) for one in areas]
        kinds: tuple[type[Ratios], ...] = (MeanIoU, MeanF1, MeanAccuracy)
        iou, f1, accuracy = (_figure([kind(samples[0].ids, one) for one in own]) for kind in kinds)
        images, share = int((own[0].truth > 0).sum()), float(own[0].truth.sum() / first.truth.sum())
        found.append(OfClass(classes[k], row.at, row.method, row.steps, images, share, iou, f1, accuracy))
    return found


def _figure(samples: Sequence[Ratios]) -> Figure:
    """The mean over seeds with its interval, as far as it can be told."""
    found = [sample.interval(True) for sample in samples]
    if not all(np.isfinite(one.low) for one in found):
        return Figure(value=float(np.mean([one.value for one in found])))
    over = found[0] if len(found) == 1 else metrics.interval_over_seeds(found, samples)
    return Figure(value=over.value, low=max(over.low, 0.0), high=min(over.high, 1.0), covers=over.covers)


def _block(table: Table, metric: str) -> Block:
    rows, data = [], []
    known = {row.at: of_classes(row, metric) for row in table.rows if metric in row.metrics}
    told = {at: found for at, found in known.items() if not isinstance(found, Missing)}
    for one in _by_class(told):
        figures = [text.figure(figure) for figure in (one.iou, one.f1, one.accuracy)]
        rows.append([one.name, f"{one.images:,}", f"{one.share * 100:.2f}", one.row, *figures])
        data.append({"protocol": table.protocol, "metric": metric, **asdict(one)})
        for part in ("iou", "f1", "accuracy"):
            data[-1][part] = getattr(one, part).model_dump(mode="json")
    notes = ["Percent, over the whole split; intervals of 95 % where enough images hold a class."]
    notes += [f"{at}: {why}." for at, why in known.items() if isinstance(why, Missing)]
    absent = [c for c in _classes(table) if c not in {one.name for found in told.values() for one in found}]
    if told and absent:
        notes.append(f"not in the truth that counts: {', '.join(absent)}.")
    headers = ["class", "images", "pixels %", "row", "IoU ↑", "F1 ↑", "accuracy ↑"]
    return Block("classes", f"{table.heading}, {metric} by class", headers, rows, data, notes, left=(0, 3))


def _classes(table: Table) -> list[str]:
    return list(dict.fromkeys(name for row in table.rows for name in row.record.details.get("classes", ())))


def _by_class(found: dict[str, list[OfClass]]) -> Iterator[OfClass]:
    """Rows of one class together."""
    for name in dict.fromkeys(one.name for own in found.values() for one in own):
        yield from (one for own in found.values() for one in own if one.name == name)
