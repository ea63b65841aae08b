"""Runs a plan: evaluates what the store lacks, shard by shard, and commits records."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from .. import metrics
from ..records import (
    Cell,
    CheckpointFacts,
    Evidence,
    Record,
    Store,
    Stored,
    has_shard,
    provenance,
    read_record,
    write_shard,
)
from .cost import throughput
from .job import Job
from .plan import Plan, Unsupported
from .request import Request

if TYPE_CHECKING:
    from .evaluate import Evaluator


@dataclass
class Outcome:
    """What a run gave: cells in the order of the request, and what they cost."""

    cells: list[Stored] = field(default_factory=list)
    reused: int = 0
    """Cells that the store already had."""
    evaluated: int = 0
    """Samples evaluated now, over all cells."""
    unsupported: list[Unsupported] = field(default_factory=list)
    """Cells that no method offers, or whose method could not be loaded here while others could."""

    @property
    def records(self) -> list[Record]:
        return [cell.record for cell in self.cells]


class Progress:
    """Told of the work; the base class says nothing."""

    def job(self, title: str, total: int, done: int) -> None: ...
    def advance(self, images: int) -> None: ...


def sweep(plan: Plan, request: Request, progress: Progress | None = None) -> Outcome:
    """Evaluate every cell that the store lacks. A failing job becomes failed records; the others go on."""
    progress = progress or Progress()
    store, outcome = Store(request.out), Outcome(unsupported=list(plan.unsupported))
    store.prepare()
    for job in plan.jobs:
        missing = [cell for cell in job.cells if request.force or store.get(cell) is None]
        outcome.reused += len(job.cells) - len(missing)
        if missing:
            reason = _run(job, missing, store, request, progress, outcome)
            if reason and len(plan.jobs) == 1:
                raise reason
            if reason:
                outcome.unsupported += _unusable(missing, reason)
                outcome.cells += [Stored(record, store.path(cell)) for cell in job.cells if (record := store.get(cell))]
                continue
        outcome.cells += [_stored(store, cell) for cell in job.cells]
    return outcome


def _run(
    job: Job, missing: list[Cell], store: Store, request: Request, progress: Progress, outcome: Outcome
) -> InputError | None:
    """Evaluate a job; failures become records, a method that cannot be loaded is given back."""
    from .evaluate import Unusable

    try:
        outcome.evaluated += _evaluate(job, missing, store, request, progress)
    except Unusable as error:
        return error
    except InputError:
        raise
    except Exception:
        for cell in missing:
            if store.get(cell) is None:
                _put_failure(store, job, cell)
    return None


def _unusable(cells: Sequence[Cell], error: InputError) -> list[Unsupported]:
    reason = str(error).rstrip(".")
    return [Unsupported(cell.method, cell.task, cell.dataset, cell.steps, reason) for cell in cells]


def _stored(store: Store, cell: Cell) -> Stored:
    folder = store.path(cell)
    return Stored(store.get(cell) or read_record(folder / "record.json"), folder)


def _evaluate(job: Job, missing: list[Cell], store: Store, request: Request, progress: Progress) -> int:
    from .evaluate import Evaluator

    evaluator = Evaluator.open(job, request.device, request.batch_size)
    store.put_protocol(job.protocol)
    final = store
    if request.force:  # evaluated aside, so that the old figures stay until there are new ones
        store = Store(final.root / ".again")
        for cell in missing:
            store.forget(cell)
    real = _reference(evaluator, final)
    todo = {n: [c for c in missing if not has_shard(store.path(c), n)] for n in range(job.shards)}
    sizes = {number: len(evaluator.positions(number)) for number in todo}
    work = sum(sizes[number] * len(cells) for number, cells in todo.items())
    everything = job.protocol.n * len(missing)
    progress.job(job.title, everything, everything - work)
    for number, cells in todo.items():
        if not cells:
            continue
        made = evaluator.shard(number, tuple(c.steps for c in cells), progress.advance)
        for cell in cells:
            if number == 0 and not job.card.is_points:
                write_atomically(store.path(cell) / "preview.png", evaluator.preview(cell.steps))
            write_shard(store.path(cell), number, made[cell.steps])
    facts, made_of = provenance.collect(evaluator.device), _made_of(evaluator)
    for cell in missing:
        try:
            record = _record(job, cell, made_of, Evidence(store.path(cell), job.shards, real), facts)
        except InputError:
            raise
        except Exception:
            _put_failure(final, job, cell)
            continue
        store.put(cell, record)
        if request.force:
            store.move(cell, final)
    return work


def _made_of(evaluator: Evaluator) -> CheckpointFacts:
    """With the number of parameters counted, where another project's files do not say."""
    made_of = evaluator.job.made_of
    if made_of.parameters is not None:
        return made_of
    count = sum(p.numel() for network in evaluator.method.networks for p in network.parameters())
    return made_of.model_copy(update={"parameters": count})


def _put_failure(store: Store, job: Job, cell: Cell) -> None:
    """A failure is a record with its traceback, never a silent gap."""
    store.put(cell, job.blank(cell, "failed", traceback.format_exc()))


def _record(job: Job, cell: Cell, made_of: CheckpointFacts, found: Evidence, facts: dict[str, Any]) -> Record:
    scores = metrics.score(job.metrics, found, job.subject)
    batches = found.batches()
    evaluations, rows = sum(b["evaluations"] for b in batches), sum(b["size"] for b in batches)
    samples = found.table("samples")
    if len(found.ids) != job.protocol.n or len(samples) != job.protocol.n * cell.samples_per_mask:
        raise RuntimeError(
            f"evidence of {cell.title} does not hold every sample once: {len(found.ids)} of {job.protocol.n} ids"
        )
    return job.blank(cell, "ok", made_of=made_of).model_copy(
        update={
            "nfe": evaluations / rows,
            "nfe_executed": evaluations / rows,
            "metrics": scores.figures,
            "absent": scores.absent,
            "details": scores.details,
            "cost": throughput(batches),
            "provenance": facts,
        }
    )


def _reference(evaluator: Evaluator, store: Store) -> Evidence | None:
    """Evidence of the real images under the job's protocol, made once a store."""
    folder, shards = store.reference(evaluator.job.protocol.hash), evaluator.job.shards
    for number in range(shards):
        if has_shard(folder, number):
            continue
        if (shard := evaluator.real_shard(number)) is None:
            return None
        write_shard(folder, number, shard)
    return Evidence(folder, shards)
