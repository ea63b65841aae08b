"""Which cells are wanted, and whether they may stand in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...symmflow.errors import InputError, unknown
from ..protocols import DEFAULT, fields_apart, rules
from ..records import Record, Stored
from ..tasks import task


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


def filter_of(
    tasks: Sequence[str], datasets: Sequence[str], methods: Sequence[str], steps: Sequence[int], protocol: str
) -> Filter:
    """A filter of what a user names: tasks by their verbs too, a protocol by its file too."""
    return Filter(
        tasks=[task(name).name for name in tasks],
        datasets=datasets,
        methods=methods,
        steps=steps,
        protocol=rules(protocol).name if protocol.endswith(".toml") else protocol,
    )


def choose(cells: Sequence[Stored], wanted: Filter) -> list[Stored]:
    """The wanted cells, of which there must be some."""
    _check(wanted, [cell.record for cell in cells])
    chosen = [cell for cell in cells if wanted(cell.record)]
    if wanted.protocol:  # a hash is of one task and data set; it says nothing of the others
        of_hash = {_of(cell) for cell in chosen if cell.record.protocol["hash"].startswith(wanted.protocol)}
        if of_hash:
            rest = replace(wanted, protocol="")
            chosen += [cell for cell in cells if _of(cell) not in of_hash and rest(cell.record)]
    if not chosen:
        raise InputError(
            "no record matches; drop a filter (--task, --dataset, --method, --steps, --protocol), or run more cells."
        )
    return chosen


def _check(wanted: Filter, records: Sequence[Record]) -> None:
    """Refuse names that no record has."""
    for given, kind, present in (
        (wanted.methods, "method", {r.method for r in records}),
        (wanted.datasets, "data set", {r.dataset for r in records}),
    ):
        for name in given:
            if name not in present:
                raise unknown(kind, name, present)
    counts = {r.steps for r in records if r.steps is not None}
    if missing := sorted(set(wanted.steps) - counts):
        have = ", ".join(map(str, sorted(counts))) or "none"
        raise InputError(f"no record has --steps {', '.join(map(str, missing))}; there are {have}.")
    protocols = {r.protocol.get("rules", DEFAULT) for r in records} | {r.protocol["hash"][:8] for r in records}
    if wanted.protocol and not any(p.startswith(wanted.protocol) or wanted.protocol.startswith(p) for p in protocols):
        raise unknown("protocol", wanted.protocol, protocols)


def check_protocols(cells: Iterable[Stored]) -> None:
    """Refuse cells of one task and data set that were measured under several protocols."""
    groups: dict[tuple[str, str], dict[str, list[Stored]]] = {}
    for cell in cells:
        if cell.record.status == "ok":
            groups.setdefault(_of(cell), {}).setdefault(cell.record.protocol["hash"], []).append(cell)
    for (dataset, of), found in groups.items():
        if len(found) > 1:
            each = []
            for hashed, members in found.items():
                first = members[0].record
                rules = first.protocol.get("rules", DEFAULT)
                each.append(f"{hashed[:8]} ({rules}, {first.split}, n = {first.n:,}, {len(members)} cells)")
            raise InputError(
                f"{dataset}/{of} was measured under {len(found)} protocols: {', '.join(each)}. They differ in "
                f"{apart([cell for members in found.values() for cell in members])}. Choose one with --protocol "
                f"{next(iter(found))[:8]}, or put them into one table, stamped, with --allow-protocol-diff."
            )


def apart(cells: Sequence[Stored]) -> str:
    """The fields in which the protocols of some cells differ."""
    first, *others = dict.fromkeys(cell.record.protocol["hash"] for cell in cells)
    stores = list(dict.fromkeys(cell.store.root for cell in cells))
    fields = dict.fromkeys(field for other in others for field in fields_apart(first, other, stores))
    return ", ".join(fields) or "fields that cannot be told, because the stores lack protocols/"


def _of(cell: Stored) -> tuple[str, str]:
    return cell.record.dataset, cell.record.task
