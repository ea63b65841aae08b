"""Runs a plan: has evaluated what the store lacks, and commits records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from ...symmflow.errors import InputError, note
from ...symmflow.guests import interrupted, watched
from .. import metrics
from ..code import Installed
from ..records import Cell, Record, Store, Stored, read_record
from . import repeat
from .commit import commit, fail, failure, statistics
from .due import Due, due, reasons
from .emulated import emulated
from .job import Job
from .plan import Plan, Unsupported
from .request import Request
from .rescore import scored
from .share import Share
from .standing import begun_by_others, by_machine, came_to, kept, shared
from .work import Work, wait

if TYPE_CHECKING:
    from .evaluate import Evaluator


@dataclass
class Outcome:
    """What a run gave: cells in the order of the request, and what they cost.

    Of several processes the one that gathers has them all, another one those that have a record already.
    """

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
    """Why cells that the store had were evaluated or scored again; how far a part has come."""
    broken: list[str] = field(default_factory=list)
    """What failed here and is left to the process that gathers."""

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


def sweep(plan: Plan, request: Request, progress: Progress | None = None, share: Share | None = None) -> Outcome:
    """Evaluate every cell that the store lacks or that other code made; `share`: of several processes, this one's.

    A failing job becomes failed records; the others go on. Old figures stay in the store until there are new ones.
    Ctrl-C and SIGTERM say what is kept.
    """
    store = Store(request.out)
    store.prepare()
    with watched():
        try:
            return _sweep(plan, request, store, progress or Progress(), share or Share())
        except KeyboardInterrupt:
            raise KeyboardInterrupt(kept(plan, store)) from None


def _sweep(plan: Plan, request: Request, store: Store, progress: Progress, share: Share) -> Outcome:
    installed = Installed()
    found = [due(job, store, request, installed) for job in plan.jobs]
    outcome = Outcome(unsupported=list(plan.unsupported))

    def say(lines: Iterable[str]) -> None:
        for line in lines:
            outcome.said.append(line)
            progress.say(line)

    say([*plan.said, *reasons(found)])
    progress.begin([one for one in found if one.evaluate])
    if share.gathers:
        say(begun_by_others(sum(store.has_others(cell, one.by.evidence) for one in found for cell in one.evaluate)))
    for one in found:
        if share.gathers and not request.keep_old:
            for cell in one.job.cells:
                store.tidy(cell, one.by.evidence)
        if share.gathers:
            say(_score_again(one, store, outcome))
        outcome.reused += len(one.job.cells) - len(one.evaluate)
    before = list(accumulate((job.shards for job in plan.jobs), initial=0))
    works = [Work.begin(one, store, share, first) for one, first in zip(found, before, strict=False) if one.evaluate]
    if works and share.gathers and (slow := emulated(request.device, request.precision, "--precision fp32 is faster")):
        note(slow)
    if works and not share.alone:
        say(shared(share, before[-1]))
    unusable = _work_off(works, request, progress, outcome) if works else {}
    if len(plan.jobs) == 1:
        for reason in unusable.values():
            raise reason
    for one in found:
        why = unusable.get(id(one))
        outcome.unsupported += _unusable(one.evaluate, why) if why else []
        there = [cell for cell in one.job.cells if (share.gathers and not why) or store.get(cell)]
        outcome.cells += [one.failed.get(cell.key) or _stored(store, cell) for cell in there]
    say(filter(None, (repeat.fault(record) for record in outcome.records)))
    say(by_machine(outcome.records))
    if share.part:
        say([came_to(share, works)])
    return outcome


def _work_off(works: list[Work], request: Request, progress: Progress, outcome: Outcome) -> dict[int, InputError]:
    """Evaluate our own shards of all jobs, then what is free of them, then wait for what others make.

    A part does the first of it; who does not gather does not wait. Returns the methods that cannot be loaded, by job.
    """
    from .loaded import Unusable

    share, opened = works[0].share, _Opened(request, works[0].share)
    unusable: dict[int, InputError] = {}

    def once(works: list[Work], own: bool) -> tuple[list[Work], bool]:
        """(what is left to do, whether anything moved)."""
        left, moved = [], False
        for work in works:
            before = work.images
            try:
                done = _run(work, opened, progress, outcome, own)
            except Unusable as error:
                unusable[id(work.due)], done = error, True
            outcome.evaluated += work.images - before
            moved |= done or work.images > before
            if not done:
                left.append(work)
            elif share.gathers and id(work.due) not in unusable:
                for cell in work.due.evaluate:
                    progress.finished((work.due.failed.get(cell.key) or _stored(work.store, cell)).record)
        return left, moved

    if not share.alone:
        works, _ = once(works, own=True)
    while works and not share.part:
        works, moved = once(works, own=False)
        if works and not moved:
            if not share.gathers:
                break
            wait(works, progress.say)
    return unusable


def _score_again(due: Due, store: Store, outcome: Outcome) -> Iterator[str]:
    """From the evidence; a cell whose evidence does not suffice is evaluated, and the reason is given."""
    for cell in due.score:
        stored = _stored(store, cell)
        try:
            stored.check()
            scores = metrics.score(due.job.metrics, stored.evidence, due.job.subject)
        except InputError as error:  # pruned or damaged
            yield f"1 cell is evaluated again: {str(error).rstrip('.')}."
            due.evaluate.append(cell)
            due.anew.add(cell.key)
            continue
        except Exception:
            fail(due, store, cell, stored.record.evidence)
            continue
        stored.rewrite(scored(stored.record, scores, due.by.scoring))
        outcome.rescored += 1


class _Opened:
    """The job that was opened last, so that a second pass over it does not load it again."""

    def __init__(self, request: Request, share: Share) -> None:
        self.request, self.share = request, share
        self.evaluator: Evaluator | None = None

    def __call__(self, job: Job) -> Evaluator:
        from .evaluate import Evaluator

        if self.evaluator is None or self.evaluator.job is not job:
            self.close()  # before another one takes memory
            asked, share = self.request, self.share
            self.evaluator = Evaluator.open(
                job, share.device(asked.device), asked.batch_size, share.workers(asked.workers), asked.keep_images
            )
            self.evaluator.beside = share.beside(asked.device)
        return self.evaluator

    def close(self) -> None:
        self.evaluator = None


def _run(work: Work, opened: _Opened, progress: Progress, outcome: Outcome, own: bool) -> bool:
    """One pass over a job; whether it is done. Failures become records; `Unusable`: its method cannot be loaded."""
    try:
        return _evaluate(work, opened, progress, own)
    except InputError:
        raise
    except (Exception, SystemExit):  # SystemExit: of a judge; what a method raises is a MethodError
        if interrupted():  # what breaks because everything is being stopped, such as a reader of images
            raise KeyboardInterrupt from None
        opened.close()
        cells = work.cells
        if work.share.gathers:
            for cell in cells:
                fail(work.due, work.store, cell, work.fill[cell.key].name)
        elif cells:
            outcome.broken.append(f"{work.share.title}: {work.due.job.title}: {failure(work.due, cells[0]).failure}.")
    return True


def _unusable(cells: Sequence[Cell], error: InputError) -> list[Unsupported]:
    reason = str(error).rstrip(".")
    return [Unsupported(cell.method, cell.task, cell.dataset, cell.steps, reason) for cell in cells]


def _stored(store: Store, cell: Cell) -> Stored:
    folder = store.path(cell)
    return Stored(read_record(folder / "record.json"), folder)


def _evaluate(work: Work, opened: _Opened, progress: Progress, own: bool) -> bool:
    """Make what is missing, and commit what is whole if it is ours to gather; False where some of it is left.

    `own`: no more than the shards with which this process begins.
    """
    job, cells, numbers = work.due.job, work.cells, work.own if own else work.every
    if not cells or work.is_others(cells, numbers):
        return not cells
    gathers = work.share.gathers and not own
    if not gathers and not work.lacking(cells, numbers):
        return not own
    evaluator = opened(job)
    work.store.put_protocol(job.protocol)
    samples = {number: len(evaluator.positions(number)) for number in numbers}
    missing = sum(samples[number] * len(lacking) for number, lacking in work.missing(cells, numbers).items())
    total = sum(samples.values()) * len(cells)
    progress.job(job.title, total, total - missing)
    given = statistics(work, evaluator, numbers)
    work.once(evaluator, cells, numbers, progress.advance)
    real = work.look_at_real(evaluator, numbers)
    if own or work.busy:
        return False
    if not gathers:
        return True
    return commit(work, evaluator, real, given) or not work.once_more()
