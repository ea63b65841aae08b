"""Records side by side: a row a method and step count, one table a protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ... import methods
from ...reports.published import lookup
from ...symmflow.errors import InputError, unknown
from .. import statistics
from ..protocols.protocol import DEFAULT, fields_apart
from ..records.record import Metric, Record, Store


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
    parameters: int | None
    nfe: float | None
    images_per_second: float | None
    metrics: dict[str, Metric]
    paper: dict[str, float]
    """The paper's figure of the same metric, where it has one for this method, data set and step count."""
    keys: tuple[str, ...]
    protocol: str
    """Hash of the protocol."""

    @property
    def seconds(self) -> float | None:
        """Seconds an image."""
        return 1 / self.images_per_second if self.images_per_second else None


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
    absent: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Metrics that were not measured: metric -> reason -> methods."""
    remarks: list[str] = field(default_factory=list)
    """What a reader must know of the figures: sample size against feature dimensions, say."""
    failed: list[str] = field(default_factory=list)
    stamp: str = ""
    """Rows of several protocols stand in it by the reader's own wish: what differs."""

    @property
    def metrics(self) -> list[str]:
        """Names in the order of first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row.metrics))


def read_records(folders: Sequence[Path]) -> list[Record]:
    """Records of one or more stores, each key once, the newest counting."""
    return [record for record, _ in read_stored(folders)]


def read_stored(folders: Sequence[Path], replaced: list[Record] | None = None) -> list[tuple[Record, Path]]:
    """As `read_records`, with the folder of each cell, where its evidence lies.

    `replaced` collects the older records of a cell whose figures a newer one does not repeat.
    """
    newest: dict[str, tuple[Record, Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no results folder {folder}; `bench run` makes one.")
        for record, cell in Store(folder).items():
            other = newest.get(record.key)
            if other is None or other[0].created < record.created:
                newest[record.key] = record, cell
            if replaced is not None and other is not None and other[0].metrics != record.metrics:
                replaced.append(other[0] if newest[record.key][0] is record else record)
    if not newest:
        raise InputError(f"there are no records in {', '.join(map(str, folders))}; `bench run` makes some.")
    return list(newest.values())


@dataclass(frozen=True)
class Filter:
    """Which records are wanted; empty means all."""

    tasks: Sequence[str] = ()
    datasets: Sequence[str] = ()
    methods: Sequence[str] = ()
    steps: Sequence[int] = ()
    protocol: str = ""
    """A named protocol, or the beginning of a hash."""

    def __call__(self, record: Record) -> bool:
        named, hashed = record.protocol.get("rules", DEFAULT), record.protocol["hash"]
        return (
            (not self.tasks or record.task in self.tasks)
            and (not self.datasets or record.dataset in self.datasets)
            and (not self.methods or record.method in self.methods)
            and (not self.steps or record.steps is None or record.steps in self.steps)
            and (not self.protocol or named == self.protocol or hashed.startswith(self.protocol))
        )


def choose(records: Iterable[Record], wanted: Filter) -> list[Record]:
    """The wanted records, of which there must be some."""
    everything = list(records)
    for given, kind, of in (
        (wanted.methods, "method", lambda r: r.method),
        (wanted.datasets, "data set", lambda r: r.dataset),
    ):
        present = {of(r) for r in everything}
        for name in given:
            if name not in present:
                raise unknown(kind, name, present)
    counts = {r.steps for r in everything if r.steps is not None}
    if missing := sorted(set(wanted.steps) - counts):
        have = ", ".join(map(str, sorted(counts))) or "none"
        raise InputError(f"no record has --steps {', '.join(map(str, missing))}; there are {have}.")
    protocols = {r.protocol.get("rules", DEFAULT) for r in everything} | {r.protocol["hash"][:8] for r in everything}
    if wanted.protocol and not any(p.startswith(wanted.protocol) or wanted.protocol.startswith(p) for p in protocols):
        raise unknown("protocol", wanted.protocol, protocols)
    chosen = [r for r in everything if wanted(r)]
    if wanted.protocol:  # a hash is of one task and data set; it says nothing of the others
        of_hash = {(r.dataset, r.task) for r in chosen if r.protocol["hash"].startswith(wanted.protocol)}
        if of_hash:
            rest = replace(wanted, protocol="")
            chosen += [r for r in everything if (r.dataset, r.task) not in of_hash and rest(r)]
    if not chosen:
        raise InputError(
            "no record matches; drop a filter (--task, --dataset, --method, --steps, --protocol), or run more cells."
        )
    return chosen


def check_protocols(records: Iterable[Record], folders: Sequence[Path]) -> None:
    """Refuse records of one task and data set that were measured under several protocols."""
    groups: dict[tuple[str, str], dict[str, list[Record]]] = {}
    for r in records:
        if r.status != "ok":
            continue
        groups.setdefault((r.dataset, r.task), {}).setdefault(r.protocol["hash"], []).append(r)
    for (dataset, task), found in groups.items():
        if len(found) > 1:
            each = ", ".join(
                f"{key[:8]} ({r[0].protocol.get('rules', DEFAULT)}, {r[0].split}, n = {r[0].n:,}, {len(r)} cells)"
                for key, r in found.items()
            )
            raise InputError(
                f"{dataset}/{task} was measured under {len(found)} protocols: {each}. They differ in "
                f"{_apart(list(found), folders)}. Choose one with --protocol {next(iter(found))[:8]}, or put them into "
                "one table, stamped, with --allow-protocol-diff."
            )


def _apart(hashes: Sequence[str], folders: Sequence[Path]) -> str:
    """The fields in which any two protocols differ."""
    fields = dict.fromkeys(f for other in hashes[1:] for f in fields_apart(hashes[0], other, folders))
    return ", ".join(fields) or "fields that cannot be told, because the stores lack protocols/"


def tables(
    records: Iterable[Record], *, mixed: bool = False, by_seed: bool = False, folders: Sequence[Path] = ()
) -> list[Table]:
    """Group records by protocol, rows by everything but the seed.

    `mixed`: one table a task and data set, stamped where it holds several protocols. `by_seed`: a row a seed.
    """
    members: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        own = () if mixed else (record.protocol["hash"],)
        members.setdefault((record.task, record.dataset, *own), []).append(record)
    order = {"cls": 0, "ss": 1, "sis": 2, "cycle": 3}
    made = [_table(group, by_seed, folders) for group in members.values()]
    return sorted(made, key=lambda t: (order[t.task], t.dataset, t.protocol))


def _table(records: Sequence[Record], by_seed: bool, folders: Sequence[Path]) -> Table:
    first = records[0]
    table = Table(first.protocol["name"], first.task, first.dataset, first.split, first.n, first.protocol["hash"])
    hashes = list(dict.fromkeys(r.protocol["hash"] for r in records))
    if len(hashes) > 1:
        table.title = f"{first.dataset}/{first.task}"
        table.stamp = f"NOT COMPARABLE: rows of {len(hashes)} protocols, which differ in {_apart(hashes, folders)}"
    groups: dict[tuple[object, ...], list[Record]] = {}
    for r in records:
        if r.status == "failed":
            last_line = r.reason.strip().splitlines()[-1] if r.reason else "unknown reason"
            table.failed.append(f"{r.method} steps={r.steps} seed={r.seed}: {last_line}")
            continue
        options = json.dumps(r.options, sort_keys=True)
        seed = r.seed if by_seed else None
        measured = (r.method, r.checkpoint.fingerprint, r.steps, r.solver, options, r.precision, r.noise, seed)
        groups.setdefault((r.protocol["hash"], *measured), []).append(r)
        for metric, reason in r.absent.items():
            methods_ = table.absent.setdefault(metric, {}).setdefault(reason, [])
            if r.method not in methods_:
                methods_.append(r.method)
        for remark in _remarks(r):
            if remark not in table.remarks:
                table.remarks.append(remark)
    table.rows = sorted(
        (_row(group) for group in groups.values()),
        key=lambda r: (
            r.method,
            r.recipe,
            r.fingerprint,
            r.solver or "",
            str(r.options),
            r.precision,
            r.steps or 0,
            r.protocol,
            r.seeds,
        ),
    )
    return table


def sort(found: Sequence[Table], by: str) -> None:
    """Order the rows by a metric, the best first, or by `nfe` or `seconds`, the cheapest first."""
    metrics = {name for table in found for name in table.metrics}
    if by not in metrics | {"nfe", "seconds"}:
        raise unknown("metric", by, metrics | {"nfe", "seconds"})

    def rank(row: Row) -> tuple[bool, float]:
        if by in ("nfe", "seconds"):
            cost = getattr(row, by)
            return cost is None, cost or 0.0
        if by not in row.metrics:
            return True, 0.0
        metric = row.metrics[by]
        return False, -metric.value if metric.better == "higher" else metric.value

    for table in found:
        if by in table.metrics or by in ("nfe", "seconds"):
            table.rows.sort(key=rank)


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
    for name in metrics if default_options(first) and first.precision == "fp32" else ():
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
        parameters=first.checkpoint.parameters,
        nfe=first.nfe,
        images_per_second=sorted(speeds)[len(speeds) // 2] if speeds else None,
        metrics=metrics,
        paper=paper,
        keys=tuple(r.key for r in records),
        protocol=first.protocol["hash"],
    )


def default_options(record: Record) -> bool:
    """Whether the method ran with its own inference options; False where the method is not installed here."""
    try:
        defaults = methods.method(record.method).Inference().model_dump(mode="json")
    except InputError:
        return False
    return all(defaults.get(name) == value for name, value in record.options.items())


def _over_seeds(found: list[Metric]) -> Metric:
    """One seed, or seeds that all agree: the interval over test images. Else the mean and the interval over seeds."""
    if len({m.value for m in found}) == 1:
        return found[0]
    interval = statistics.over_seeds([m.value for m in found])
    low, high = interval.low, interval.high
    if found[0].unit == "fraction":
        low, high = max(low, 0.0), min(high, 1.0)
    return found[0].model_copy(update={"value": interval.value, "low": low, "high": high, "covers": interval.covers})
