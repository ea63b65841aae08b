"""Runs a plan: has evaluated what the store lacks, and commits records."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.guests import watched
from .. import metrics
from ..code import Installed
from ..metrics.distances import require_fit
from ..records import (
    Cell,
    CheckpointFacts,
    Evidence,
    Record,
    Store,
    Stored,
    check_samples,
    provenance,
    read_record,
)
from . import repeat
from .cost import throughput
from .due import Due, due, reasons
from .plan import Plan, Unsupported
from .request import Request
from .rescore import scored
from .standing import kept
from .work import Work, wait

if TYPE_CHECKING:
    from .evaluate import Evaluator

REASON = 10_000
"""Characters that a record keeps of either end of a traceback; messages may be of any length."""


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
        if not request.keep_old:
            for cell in one.job.cells:
                store.tidy(cell, one.by.evidence)
        _score_again(one, store, outcome, progress)
        outcome.reused += len(one.job.cells) - len(one.evaluate)
    works = [Work.begin(one, store) for one in found if one.evaluate]
    unusable = _work_off(works, request, progress, outcome) if works else {}
    if len(plan.jobs) == 1:
        for reason in unusable.values():
            raise reason
    for one in found:
        why = unusable.get(id(one))
        outcome.unsupported += _unusable(one.evaluate, why) if why else []
        there = [cell for cell in one.job.cells if not why or store.get(cell)]
        outcome.cells += [one.failed.get(cell.key) or _stored(store, cell) for cell in there]
    for line in filter(None, (repeat.fault(record) for record in outcome.records)):
        outcome.said.append(line)
        progress.say(line)
    return outcome


def _work_off(works: list[Work], request: Request, progress: Progress, outcome: Outcome) -> dict[int, InputError]:
    """Evaluate what is free of all jobs, then wait for what others make; the methods that cannot be loaded, by job."""
    from .evaluate import Unusable

    unusable: dict[int, InputError] = {}
    while works:
        left, moved = [], False
        for work in works:
            before = work.images
            try:
                done = _run(work, request, progress)
            except Unusable as error:
                unusable[id(work.due)], done = error, True
            outcome.evaluated += work.images - before
            moved |= done or work.images > before
            if not done:
                left.append(work)
            elif id(work.due) not in unusable:
                for cell in work.due.evaluate:
                    progress.finished((work.due.failed.get(cell.key) or _stored(work.store, cell)).record)
        if left and not moved:
            wait(left, progress.say)
        works = left
    return unusable


def _score_again(due: Due, store: Store, outcome: Outcome, progress: Progress) -> None:
    """From the evidence; a cell whose evidence does not suffice is evaluated."""
    for cell in due.score:
        stored = _stored(store, cell)
        try:
            stored.check()
            scores = metrics.score(due.job.metrics, stored.evidence, due.job.subject)
        except InputError as error:  # pruned or damaged
            outcome.said.append(f"1 cell is evaluated again: {str(error).rstrip('.')}.")
            progress.say(outcome.said[-1])
            due.evaluate.append(cell)
            due.anew.add(cell.key)
            continue
        except Exception:
            _put_failure(due, store, cell, stored.record.evidence)
            continue
        stored.rewrite(scored(stored.record, scores, due.by.scoring))
        outcome.rescored += 1


def _run(work: Work, request: Request, progress: Progress) -> bool:
    """One pass over a job; whether it is done. Failures become records; `Unusable`: its method cannot be loaded."""
    try:
        return _evaluate(work, request, progress)
    except InputError:
        raise
    except (Exception, SystemExit):  # SystemExit: of a judge; what a method raises is a MethodError
        for cell in work.cells:
            _put_failure(work.due, work.store, cell, work.fill[cell.key].name)
    return True


def _unusable(cells: Sequence[Cell], error: InputError) -> list[Unsupported]:
    reason = str(error).rstrip(".")
    return [Unsupported(cell.method, cell.task, cell.dataset, cell.steps, reason) for cell in cells]


def _stored(store: Store, cell: Cell) -> Stored:
    folder = store.path(cell)
    return Stored(read_record(folder / "record.json"), folder)


def _evaluate(work: Work, request: Request, progress: Progress) -> bool:
    """Make what is missing and commit what is whole; False where others still make some of it."""
    from .evaluate import Evaluator

    job, cells = work.due.job, work.cells
    if not cells or work.is_others(cells):
        return not cells
    evaluator = Evaluator.open(job, request.device, request.batch_size, request.workers)
    work.store.put_protocol(job.protocol)
    missing = sum(len(evaluator.positions(number)) * len(lacking) for number, lacking in work.missing(cells).items())
    progress.job(job.title, job.protocol.n * len(cells), job.protocol.n * len(cells) - missing)
    given = _given(work, evaluator)
    work.once(evaluator, cells, progress.advance)
    real = work.look_at_real(evaluator)
    if work.busy:
        return False
    facts, made_of = provenance.collect(evaluator.device), _made_of(evaluator)
    done = [_commit(work, cell, made_of, real, given, facts) for cell in work.cells]
    return all(done) or not work.once_more()


def _commit(
    work: Work,
    cell: Cell,
    made_of: CheckpointFacts,
    real: Evidence | None,
    given: Path | None,
    facts: dict[str, Any],
) -> bool:
    """Whether a cell has its record now, or a failure; False where its evidence has gone."""
    try:
        found = Evidence(work.folder(cell), work.shards, real, statistics=given)
        record = _record(work, cell, made_of, found, facts)
    except InputError:
        if work.has_gap(cell):
            return False
        raise
    except Exception:
        _put_failure(work.due, work.store, cell, work.fill[cell.key].name)
        return True
    return work.store.commit(cell, record)


def _made_of(evaluator: Evaluator) -> CheckpointFacts:
    """With the number of parameters counted, where another project's files do not say."""
    made_of = evaluator.job.made_of
    if made_of.parameters is not None or evaluator.job.ready_made:
        return made_of
    count = sum(p.numel() for network in evaluator.method.networks for p in network.parameters())
    return made_of.model_copy(update={"parameters": count})


def _put_failure(due: Due, store: Store, cell: Cell, evidence: str) -> None:
    """A failure is a record with its traceback, never a silent gap; beside finished figures where they stand."""
    said = traceback.format_exc()
    if len(said) > 2 * REASON:
        said = f"{said[:REASON]}\n[...]\n{said[-REASON:]}"
    blank = due.job.blank(cell, "failed", said).model_copy(update={"evidence": evidence})
    due.failed[cell.key] = store.fail(cell, blank)


def _record(work: Work, cell: Cell, made_of: CheckpointFacts, found: Evidence, facts: dict[str, Any]) -> Record:
    job, by = work.due.job, work.due.by
    check_samples(found, job.protocol.n, cell.samples_per_mask)
    scores = metrics.score(job.metrics, found, job.subject)
    record = job.blank(cell, "ok", made_of=made_of).model_copy(
        update={
            **({} if job.ready_made else _cost(found)),
            "outputs": by.outputs,
            "evidence": work.fill[cell.key].name,
            "reference": by.reference if found.reference else "",
            "provenance": facts,
        }
    )
    return scored(record, scores, by.scoring)


def _given(work: Work, evaluator: Evaluator) -> Path | None:
    """The statistics of the job's reference, kept in the store; refused before work is spent where they do not fit."""
    job = work.due.job
    if (found := job.statistics()) is None:
        return None
    real = work.look_at_real(evaluator)
    looks = any(metric.judge == "extractor" and "extractor" in job.judges for metric in job.metrics)
    if real and looks and not work.busy:
        require_fit(found, real)
    path = work.store.statistics(job.protocol.hash)
    if not path.is_file():
        found.write(path)
    return path


def _cost(found: Evidence) -> dict[str, Any]:
    """What a cell cost, and whether it repeats; nobody knows it of outputs that were made elsewhere."""
    batches = found.batches()
    nfe = sum(b["evaluations"] for b in batches) / sum(b["size"] for b in batches)
    differing = next((b["differing"] for b in batches if "differing" in b), None)
    return {"nfe": nfe, "nfe_executed": nfe, "cost": throughput(batches), "differing": differing}
