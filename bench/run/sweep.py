"""Runs a plan: evaluates what the store lacks, shard by shard, and commits records."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from ...symmflow.guests import watched
from .. import metrics
from ..code import Installed
from ..records import (
    Cell,
    CheckpointFacts,
    Evidence,
    Record,
    Store,
    Stored,
    begin,
    begun_by,
    has_shard,
    provenance,
    read_record,
    write_shard,
)
from . import repeat
from .cost import throughput
from .due import Due, due, reasons
from .plan import Plan, Unsupported
from .request import Request
from .rescore import scored
from .standing import kept

if TYPE_CHECKING:
    from .evaluate import Evaluator


@dataclass
class Outcome:
    """What a run gave: cells in the order of the request, and what they cost."""

    cells: list[Stored] = field(default_factory=list)
    reused: int = 0
    """Cells that the store already had."""
    rescored: int = 0
    """Of these, scored again from their evidence."""
    evaluated: int = 0
    """Samples evaluated now, over all cells."""
    unsupported: list[Unsupported] = field(default_factory=list)
    """Cells that no method offers, or whose method could not be loaded here while others could."""
    said: list[str] = field(default_factory=list)
    """Why cells that the store had were evaluated or scored again."""

    @property
    def records(self) -> list[Record]:
        return [cell.record for cell in self.cells]


class Progress:
    """Told of the work; the base class says nothing."""

    def say(self, line: str) -> None: ...
    def begin(self, due: Sequence[Due]) -> None: ...
    def job(self, title: str, total: int, done: int) -> None: ...
    def advance(self, images: int) -> None: ...
    def finished(self, record: Record) -> None: ...


def sweep(plan: Plan, request: Request, progress: Progress | None = None) -> Outcome:
    """Evaluate every cell that the store lacks or that other code made.

    A failing job becomes failed records; the others go on. Old figures stay in the store until there are new ones.
    Ctrl-C says what is kept.
    """
    store = Store(request.out)
    store.prepare()
    with watched():
        try:
            return _sweep(plan, request, store, progress or Progress())
        except KeyboardInterrupt:
            raise KeyboardInterrupt(kept(plan, store)) from None


def _sweep(plan: Plan, request: Request, store: Store, progress: Progress) -> Outcome:
    installed = Installed()
    found = [due(job, store, request, installed) for job in plan.jobs]
    outcome = Outcome(unsupported=list(plan.unsupported), said=[*plan.said, *reasons(found)])
    for line in outcome.said:
        progress.say(line)
    progress.begin([one for one in found if one.evaluate])
    for one in found:
        _score_again(one, store, outcome, progress)
        outcome.reused += len(one.job.cells) - len(one.evaluate)
        if one.evaluate:
            reason = _run(one, store, request, progress, outcome)
            if reason and len(plan.jobs) == 1:
                raise reason
            if reason:
                outcome.unsupported += _unusable(one.evaluate, reason)
                there = [cell for cell in one.job.cells if store.get(cell)]
                outcome.cells += [_stored(store, cell) for cell in there]
                continue
        made = [one.failed.get(cell.key) or _stored(store, cell) for cell in one.job.cells]
        outcome.cells += made
        for stored in made:
            if stored.record.cell in one.evaluate:
                progress.finished(stored.record)
    for line in filter(None, (repeat.fault(record) for record in outcome.records)):
        outcome.said.append(line)
        progress.say(line)
    return outcome


def _score_again(due: Due, store: Store, outcome: Outcome, progress: Progress) -> None:
    """From the evidence; a cell whose evidence does not suffice is evaluated."""
    for cell in due.score:
        stored = _stored(store, cell)
        try:
            scores = metrics.score(due.job.metrics, stored.evidence, due.job.subject)
        except InputError as error:  # pruned or damaged
            outcome.said.append(f"1 cell is evaluated again: {str(error).rstrip('.')}.")
            progress.say(outcome.said[-1])
            due.evaluate.append(cell)
            continue
        except Exception:
            _put_failure(due, store, cell)
            continue
        store.put(cell, scored(stored.record, scores, due.by.scoring))
        outcome.rescored += 1


def _run(due: Due, store: Store, request: Request, progress: Progress, outcome: Outcome) -> InputError | None:
    """Evaluate a job; failures become records, a method that cannot be loaded is given back."""
    from .evaluate import Unusable

    try:
        outcome.evaluated += _evaluate(due, store, request, progress)
    except Unusable as error:
        return error
    except InputError:
        raise
    except (Exception, SystemExit):  # SystemExit: of a judge; what a method raises is a MethodError
        for cell in due.evaluate:
            _put_failure(due, store, cell)
    return None


def _unusable(cells: Sequence[Cell], error: InputError) -> list[Unsupported]:
    reason = str(error).rstrip(".")
    return [Unsupported(cell.method, cell.task, cell.dataset, cell.steps, reason) for cell in cells]


def _stored(store: Store, cell: Cell) -> Stored:
    folder = store.path(cell)
    return Stored(read_record(folder / "record.json"), folder)


def _aside(store: Store) -> Store:
    return Store(store.root / ".again")


def _evaluate(due: Due, store: Store, request: Request, progress: Progress) -> int:
    from .evaluate import Evaluator

    job = due.job
    evaluator = Evaluator.open(job, request.device, request.batch_size, request.workers)
    store.put_protocol(job.protocol)
    cells = [(cell, _begun(cell, due, store, request)) for cell in due.evaluate]
    real = _reference(evaluator, store, due.by.reference)
    todo = {n: [(c, at) for c, at in cells if not has_shard(at.path(c), n)] for n in range(job.shards)}
    sizes = {number: len(evaluator.positions(number)) for number in todo}
    work = sum(sizes[number] * len(missing) for number, missing in todo.items())
    everything = job.protocol.n * len(cells)
    progress.job(job.title, everything, everything - work)
    for number, missing in todo.items():
        if not missing:
            continue
        made = evaluator.shard(number, tuple(c.steps for c, _ in missing), progress.advance)
        for cell, at in missing:
            if number == 0 and not job.card.is_points:
                write_atomically(at.path(cell) / "preview.png", evaluator.preview(cell.steps))
            write_shard(at.path(cell), number, made[cell.steps])
    facts, made_of = provenance.collect(evaluator.device), _made_of(evaluator)
    for cell, at in cells:
        try:
            record = _record(due, cell, made_of, Evidence(at.path(cell), job.shards, real), facts)
        except InputError:
            raise
        except Exception:
            _put_failure(due, store, cell)
            continue
        at.put(cell, record)
        if at is not store:
            at.move(cell, store)
    return work


def _begun(cell: Cell, due: Due, store: Store, request: Request) -> Store:
    """Where a cell is evaluated: aside where a finished record stands, which stays until there is a new one.

    Shards of an evaluation that was cut count, unless other code made them.
    """
    finished = store.get(cell) is not None
    at = _aside(store) if finished else store
    anew = request.force or (request.fresh and finished)
    if anew or begun_by(at.path(cell)) != due.by.outputs.digest:
        at.forget(cell)
        begin(at.path(cell), due.by.outputs)
    return at


def _made_of(evaluator: Evaluator) -> CheckpointFacts:
    """With the number of parameters counted, where another project's files do not say."""
    made_of = evaluator.job.made_of
    if made_of.parameters is not None:
        return made_of
    count = sum(p.numel() for network in evaluator.method.networks for p in network.parameters())
    return made_of.model_copy(update={"parameters": count})


def _put_failure(due: Due, store: Store, cell: Cell) -> None:
    """A failure is a record with its traceback, never a silent gap; aside where finished figures stand."""
    at = _aside(store) if store.get(cell) else store
    at.put(cell, due.job.blank(cell, "failed", traceback.format_exc()))
    due.failed[cell.key] = _stored(at, cell)


def _record(due: Due, cell: Cell, made_of: CheckpointFacts, found: Evidence, facts: dict[str, Any]) -> Record:
    job = due.job
    scores = metrics.score(job.metrics, found, job.subject)
    batches = found.batches()
    evaluations, rows = sum(b["evaluations"] for b in batches), sum(b["size"] for b in batches)
    samples = found.table("samples")
    if len(found.ids) != job.protocol.n or len(samples) != job.protocol.n * cell.samples_per_mask:
        raise RuntimeError(
            f"evidence of {cell.title} does not hold every sample once: {len(found.ids)} of {job.protocol.n} ids"
        )
    record = job.blank(cell, "ok", made_of=made_of).model_copy(
        update={
            "nfe": evaluations / rows,
            "nfe_executed": evaluations / rows,
            "cost": throughput(batches),
            "outputs": due.by.outputs,
            "reference": due.by.reference if found.reference else "",
            "differing": next((b["differing"] for b in batches if "differing" in b), None),
            "provenance": facts,
        }
    )
    return scored(record, scores, due.by.scoring)


def _reference(evaluator: Evaluator, store: Store, name: str) -> Evidence | None:
    """Evidence of the real images under the job's protocol, made once a store and `name`, which says by whose eyes."""
    folder, shards = store.reference(evaluator.job.protocol.hash, name), evaluator.job.shards
    for number in range(shards):
        if has_shard(folder, number):
            continue
        if (shard := evaluator.real_shard(number)) is None:
            return None
        write_shard(folder, number, shard)
    return Evidence(folder, shards)
