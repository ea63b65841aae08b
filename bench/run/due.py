"""What of a plan the store already answers, and what is due again because other code made it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ... import methods
from .. import judges
from ..code import Installed, parts
from ..records import Cell, Code, Record, Store, Stored, provenance
from .job import Job
from .request import Request


@dataclass(frozen=True)
class MadeBy:
    """The code that a job's records are made by here. `known`: a record that may spare the reading."""

    job: Job
    installed: Installed
    known: Record | None = None

    @cached_property
    def outputs(self) -> Code:
        asked = parts.outputs(methods.base(self.job.method), self._seen_by)
        return self.installed.code(asked, self.known.outputs if self.known else None)

    @cached_property
    def scoring(self) -> Code:
        asked = parts.scoring(metric.name for metric in self.job.metrics)
        return self.installed.code(asked, self.known.scoring if self.known else None)

    @cached_property
    def reference(self) -> str:
        """Names the evidence of real images: its code, and the libraries, since both sides must be seen alike."""
        return _name(self.installed.code(self._seen_by))

    @cached_property
    def evidence(self) -> str:
        """Names the evidence of cells: no shard of it is by other code or libraries."""
        return _name(self.outputs)

    @property
    def _seen_by(self) -> list[str]:
        job = self.job
        seen = [asked for found in job.judges.values() for asked in judges.code(found)]
        return parts.reference(type(job.task).__module__, job.protocol.dataset, seen)


def _name(code: Code) -> str:
    said = f"{code.digest} {sorted(provenance.libraries().items())}"
    return hashlib.sha256(said.encode()).hexdigest()[:10]


@dataclass
class Due:
    """What of a job is to be done, and why."""

    job: Job
    by: MadeBy
    evaluate: list[Cell] = field(default_factory=list)
    score: list[Cell] = field(default_factory=list)
    """From the evidence that is there."""
    anew: set[str] = field(default_factory=set)
    """Keys of cells whose evidence, though whole, is not to be used again."""
    failed: dict[str, Stored] = field(default_factory=dict)
    """What could not be done, by the key of its cell."""
    why: Counter[str] = field(default_factory=Counter)
    """Reasons for doing again what the store has, with the number of cells."""


def due(job: Job, store: Store, request: Request, installed: Installed) -> Due:
    """A cell is evaluated where there is none, or on request (`--force`), or where other code made its evidence.

    Where other code made figures of the evidence, these are made again. Other versions of libraries are a reason only
    with `--fresh`. With `--keep-old` whatever is there stays.
    """
    records = [store.get(cell) for cell in job.cells]
    found = Due(job, MadeBy(job, installed, next(filter(None, records), None)))
    for cell, record in zip(job.cells, records, strict=True):
        if record is None or request.force:
            found.evaluate.append(cell)
            if request.force:
                found.anew.add(cell.key)
        elif request.keep_old:
            continue
        elif changed := record.outputs.changed(found.by.outputs) or _other_libraries(record, request):
            found.evaluate.append(cell)
            found.anew.add(cell.key)
            found.why[f"evaluated again: {changed}"] += 1
        elif changed := record.scoring.changed(found.by.scoring):
            found.score.append(cell)
            found.why[f"scored again from the evidence: {changed}"] += 1
    return found


def _other_libraries(record: Record, request: Request) -> str:
    return ", ".join(provenance.moved(record.provenance)) if request.fresh else ""


def reasons(found: Sequence[Due]) -> list[str]:
    """A line a reason, over all jobs."""
    counts = sum((one.why for one in found), Counter[str]())
    return [f"{n} cell{'s are' if n > 1 else ' is'} {why}." for why, n in counts.items()]
