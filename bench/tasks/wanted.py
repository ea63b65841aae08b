"""Which cells of a store are wanted: by task, data set, method, step count and protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...symmflow.errors import InputError, unknown
from ..protocols import DEFAULT
from ..records import Cell, Record


@dataclass(frozen=True)
class Filter:
    """Which records are wanted; empty means all."""

    tasks: Sequence[str] = ()
    datasets: Sequence[str] = ()
    methods: Sequence[str] = ()
    steps: Sequence[int] = ()
    protocol: str = ""
    """A named protocol, or the beginning of a hash."""

    def __call__(self, record: Cell | Record) -> bool:
        return (
            (not self.tasks or record.task in self.tasks)
            and (not self.datasets or record.dataset in self.datasets)
            and (not self.methods or record.method in self.methods)
            and (not self.steps or record.steps is None or record.steps in self.steps)
            and (not self.protocol or _rules(record) == self.protocol or _hash(record).startswith(self.protocol))
        )

    def check(self, records: Sequence[Cell | Record]) -> None:
        """Refuse names that no record has."""
        for given, kind, present in (
            (self.methods, "method", {r.method for r in records}),
            (self.datasets, "data set", {r.dataset for r in records}),
        ):
            for name in given:
                if name not in present:
                    raise unknown(kind, name, present)
        counts = {r.steps for r in records if r.steps is not None}
        if missing := sorted(set(self.steps) - counts):
            have = ", ".join(map(str, sorted(counts))) or "none"
            raise InputError(f"no record has --steps {', '.join(map(str, missing))}; there are {have}.")
        protocols = {name for r in records for name in (_rules(r), _hash(r)[:8]) if name}
        if self.protocol and not any(p.startswith(self.protocol) or self.protocol.startswith(p) for p in protocols):
            raise unknown("protocol", self.protocol, protocols)


EVERYTHING = Filter()


def _rules(record: Cell | Record) -> str:
    """What its protocol is called; a cell without a record does not say."""
    return record.protocol.get("rules", DEFAULT) if isinstance(record, Record) else ""


def _hash(record: Cell | Record) -> str:
    return record.protocol["hash"] if isinstance(record, Record) else record.protocol
