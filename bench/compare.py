"""Records side by side: a row a method and step count, one table a protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import methods
from ..reports.published import lookup
from ..symmflow.errors import InputError
from . import statistics
from .records import Metric, Record, Store


@dataclass(frozen=True)
class Row:
    """A method at a step count, over its seeds."""

    method: str
    recipe: str
    fingerprint: str
    """First six digits of the checkpoint's."""
    steps: int | None
    solver: str | None
    options: dict[str, Any]
    precision: str
    seeds: tuple[int, ...]
    n: int
    nfe: float | None
    images_per_second: float | None
    metrics: dict[str, Metric]
    paper: dict[str, float]
    """The paper's figure of the same metric, where it has one for this method, data set and step count."""
    keys: tuple[str, ...]


@dataclass
class Table:
    """All rows of one protocol. Rows of different tables must not be compared."""

    title: str
    task: str
    dataset: str
    split: str
    n: int
    protocol: str
    rows: list[Row] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    """What a reader must know of the figures: sample size against feature dimensions, say."""
    failed: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> list[str]:
        """Names in the order of first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row.metrics))


def read_records(folders: Sequence[Path]) -> list[Record]:
    """Records of one or more stores, each key once, the newest counting."""
    return [record for record, _ in read_stored(folders)]


def read_stored(folders: Sequence[Path]) -> list[tuple[Record, Path]]:
    """As `read_records`, with the folder of each cell, where its evidence lies."""
    newest: dict[str, tuple[Record, Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no results folder {folder}; `bench run` makes one.")
        for record, cell in Store(folder).items():
            if record.key not in newest or newest[record.key][0].created < record.created:
                newest[record.key] = record, cell
    if not newest:
        raise InputError(f"there are no records in {', '.join(map(str, folders))}; `bench run` makes some.")
    return list(newest.values())


def tables(records: Iterable[Record], tasks: Sequence[str] = (), datasets: Sequence[str] = ()) -> list[Table]:
    """Group records by protocol, rows by everything but the seed."""
    chosen = [r for r in records if (not tasks or r.task in tasks) and (not datasets or r.dataset in datasets)]
    if not chosen:
        raise InputError("no record matches; drop --task or --dataset, or run more cells.")
    by_protocol: dict[str, list[Record]] = {}
    for record in chosen:
        by_protocol.setdefault(record.protocol["hash"], []).append(record)
    order = {"cls": 0, "ss": 1, "sis": 2}
    result = []
    for protocol, members in by_protocol.items():
        first = members[0]
        table = Table(first.protocol["name"], first.task, first.dataset, first.split, first.n, protocol)
        groups: dict[tuple[object, ...], list[Record]] = {}
        for r in members:
            if r.status == "failed":
                last_line = r.reason.strip().splitlines()[-1] if r.reason else "unknown reason"
                table.failed.append(f"{r.method} steps={r.steps} seed={r.seed}: {last_line}")
                continue
            options = json.dumps(r.options, sort_keys=True)
            measured = (r.method, r.checkpoint.fingerprint, r.steps, r.solver, options, r.precision, r.noise)
            groups.setdefault(measured, []).append(r)
            table.absent |= r.absent
            for remark in _remarks(r):
                if remark not in table.remarks:
                    table.remarks.append(remark)
        table.rows = sorted(
            (_row(group) for group in groups.values()),
            key=lambda r: (r.method, r.recipe, r.fingerprint, r.solver or "", str(r.options), r.steps or 0),
        )
        result.append(table)
    return sorted(result, key=lambda t: (order[t.task], t.dataset, t.protocol))


def _remarks(record: Record) -> list[str]:
    if not (found := record.details.get("features")):
        return []
    said = f"features: n = {found['n']:,}, d = {found['d']:,}, n/d = {found['n_over_d']:g}"
    return [f"{said}; {found['warning']}" if "warning" in found else said]


def _row(records: list[Record]) -> Row:
    records = sorted(records, key=lambda r: r.seed)
    first = records[0]
    metrics = {name: _over_seeds([r.metrics[name] for r in records if name in r.metrics]) for name in first.metrics}
    speeds = [r.cost.images_per_second for r in records if r.cost and r.cost.images_per_second]
    paper = {}
    for name in metrics if default_options(first) else ():
        if found := lookup(first.method, first.task, first.dataset, name, first.steps, first.solver):
            paper[name] = found.value
    return Row(
        method=first.method,
        recipe=first.checkpoint.recipe or first.checkpoint.name,
        fingerprint=first.checkpoint.fingerprint[:6],
        steps=first.steps,
        solver=first.solver,
        options=first.options,
        precision=first.precision,
        seeds=tuple(r.seed for r in records),
        n=first.n,
        nfe=first.nfe,
        images_per_second=sorted(speeds)[len(speeds) // 2] if speeds else None,
        metrics=metrics,
        paper=paper,
        keys=tuple(r.key for r in records),
    )


def default_options(record: Record) -> bool:
    """Whether the method ran with its own inference options; False where the method is not installed here."""
    try:
        defaults = methods.method(record.method).Inference().model_dump(mode="json")
    except InputError:
        return False
    return all(defaults.get(name) == value for name, value in record.options.items())


def _over_seeds(found: list[Metric]) -> Metric:
    """One seed: its own interval. Several: their mean, and the interval over seeds."""
    if len(found) == 1:
        return found[0]
    interval = statistics.over_seeds([m.value for m in found])
    return found[0].model_copy(
        update={"value": interval.value, "low": interval.low, "high": interval.high, "covers": interval.covers}
    )
