"""A cell whose evidence is whole becomes a record; what breaks becomes the record of a failure."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.solvers import ADAPTIVE
from .. import metrics
from ..metrics.distances import require_fit
from ..records import Cell, CheckpointFacts, Evidence, Record, check_ids, provenance
from ..records.shards import unmade
from . import cost
from .due import Due
from .rescore import scored
from .work import Work

if TYPE_CHECKING:
    from ..records import Store
    from .evaluate import Evaluator

REASON = 10_000
"""Characters that a record keeps of either end of a traceback; messages may be of any length."""


def commit(work: Work, evaluator: Evaluator, real: Evidence | None, given: Path | None) -> bool:
    """Whether every cell has its record now, or a failure; False where evidence has gone meanwhile.

    `real`: the evidence of the real images; `given`: the statistics in their place. Raises `InputError` for evidence
    that does not hold every sample once.
    """
    facts, made_of = provenance.collect(evaluator.device), _made_of(evaluator)
    done = [_commit(work, cell, evaluator.data.ids, made_of, real, given, facts) for cell in work.cells]
    return all(done)


def fail(due: Due, store: Store, cell: Cell, evidence: str) -> None:
    """A failure is a record with its traceback, never a silent gap; beside finished figures where they stand."""
    due.failed[cell.key] = store.fail(cell, failure(due, cell).model_copy(update={"evidence": evidence}))


def failure(due: Due, cell: Cell) -> Record:
    """The record of what is being raised."""
    said = traceback.format_exc()
    if len(said) > 2 * REASON:
        said = f"{said[:REASON]}\n[...]\n{said[-REASON:]}"
    return due.job.blank(cell, "failed", said)


def statistics(work: Work, evaluator: Evaluator, numbers: Sequence[int]) -> Path | None:
    """Those of the job's reference, kept in the store; refused before work is spent where they do not fit.

    `numbers`: shards of the evidence of the real images that this process makes.
    """
    job = work.due.job
    if (found := job.statistics()) is None:
        return None
    real = work.look_at_real(evaluator, numbers)
    looks = any(metric.judge == "extractor" and "extractor" in job.judges for metric in job.metrics)
    if real and looks and 0 not in unmade(real.folder, real.shards):
        require_fit(found, real)
    path = work.store.statistics(job.protocol.hash)
    if not path.is_file():
        found.write(path)
    return path


def _commit(
    work: Work,
    cell: Cell,
    ids: Sequence[str],
    made_of: CheckpointFacts,
    real: Evidence | None,
    given: Path | None,
    facts: Mapping[str, Any],
) -> bool:
    try:
        found = Evidence(work.folder(cell), work.shards, real, statistics=given)
        record = _record(work, cell, ids, made_of, found, facts)
    except InputError:
        if work.has_gap(cell):
            return False
        raise
    except Exception:
        fail(work.due, work.store, cell, work.fill[cell.key].name)
        return True
    return work.store.commit(cell, record)


def _made_of(evaluator: Evaluator) -> CheckpointFacts:
    """With the number of parameters counted, where another project's files do not say."""
    made_of = evaluator.job.made_of
    if made_of.parameters is not None or evaluator.job.ready_made:
        return made_of
    count = sum(p.numel() for network in evaluator.method.networks for p in network.parameters())
    return made_of.model_copy(update={"parameters": count})


def _record(
    work: Work,
    cell: Cell,
    ids: Sequence[str],
    made_of: CheckpointFacts,
    found: Evidence,
    facts: Mapping[str, Any],
) -> Record:
    job, by = work.due.job, work.due.by
    check_ids(found, ids, cell.samples_per_mask)
    if found.reference:
        check_ids(found.reference, ids, 1)
    scores = metrics.score(job.metrics, found, job.subject)
    batches = found.batches()
    record = job.blank(cell, "ok", made_of=made_of).model_copy(
        update={
            **({} if job.ready_made else _cost(batches)),
            "outputs": by.outputs,
            "evidence": work.fill[cell.key].name,
            "reference": by.reference if found.reference else "",
            "provenance": _made_where(facts, batches) | _sizes(cell, batches),
        }
    )
    return scored(record, scores, by.scoring)


def _cost(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a cell cost, and whether it repeats; nobody knows it of outputs that were made elsewhere."""
    nfe = sum(b["evaluations"] for b in batches) / sum(b["size"] for b in batches)
    differing = next((b["differing"] for b in batches if "differing" in b), None)
    timed = cost.throughput(cost.alike(batches))
    return {"nfe": nfe, "nfe_executed": nfe, "cost": timed, "differing": differing}


def _made_where(facts: Mapping[str, Any], batches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The facts of this machine, with those of the one whose speed the record tells, and who else there was."""
    machine = cost.alike(batches)[0].get("machine", {})
    own = {name: value for name, value in facts.items() if not machine or name != "gpu"} | machine
    shares = {batch["share"] for batch in batches if batch.get("share")}
    machines = cost.machines(batches)
    return own | ({"shares": sorted(shares)} if shares else {}) | ({"machines": machines} if len(machines) > 1 else {})


def _sizes(cell: Cell, batches: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Of the batches, where they are several; an adaptive solver takes samples one by one, whatever the batch."""
    sizes = sorted({batch["size"] for batch in batches})
    return {"batch_sizes": sizes} if len(sizes) > 1 and cell.solver not in ADAPTIVE else {}
