"""Runs a plan: evaluates what the store lacks, shard by shard, and commits records."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...symmflow.errors import InputError
from ..records import evidence, provenance
from ..records.evidence import Evidence
from ..records.record import Cell, CheckpointFacts, Record, Store, read_record, write_atomically
from .cost import throughput
from .plan import Job, Plan, Request, Unsupported, blank, checkpoint_facts

if TYPE_CHECKING:
    from .evaluate import Evaluator


@dataclass
class Outcome:
    """What a run gave: records in the order of the request, and what they cost."""

    records: list[Record] = field(default_factory=list)
    reused: int = 0
    """Cells that the store already had."""
    evaluated: int = 0
    """Samples evaluated now, over all cells."""
    unusable: list[Unsupported] = field(default_factory=list)
    """Methods that could not be loaded here while others could."""

    @property
    def failed(self) -> list[Record]:
        return [r for r in self.records if r.status == "failed"]


class Progress:
    """Told of the work; the base class says nothing."""

    def job(self, title: str, total: int, done: int) -> None: ...
    def advance(self, images: int) -> None: ...


def sweep(plan: Plan, request: Request, progress: Progress | None = None) -> Outcome:
    """Evaluate every cell that the store lacks. A failing job becomes failed records; the others go on."""
    progress = progress or Progress()
    store, outcome = Store(request.out), Outcome()
    store.prepare()
    for job in plan.jobs:
        missing = [cell for cell in job.cells if request.force or store.get(cell) is None]
        outcome.reused += len(job.cells) - len(missing)
        if missing:
            try:
                outcome.evaluated += _evaluate(job, missing, store, request, progress)
            except _Unusable as error:
                if len(plan.jobs) == 1:
                    raise
                name, reason = missing[0].method, str(error).rstrip(".")
                outcome.unusable += [Unsupported(name, c.task, c.dataset, c.steps, reason) for c in missing]
                outcome.records += [record for cell in job.cells if (record := store.get(cell))]
                continue
            except InputError:
                raise
            except Exception:
                for cell in missing:
                    if store.get(cell) is None:
                        _put_failure(store, job, cell)
        for cell in job.cells:
            outcome.records.append(_stored(store, cell))
    return outcome


class _Unusable(InputError):
    """A method that cannot be loaded: a missing package, weights that do not fit."""


def exact_kernels() -> None:
    """Deterministic kernels, and fp32 that means fp32: TF32 keeps 10 bits of the mantissa."""
    import torch

    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


def _stored(store: Store, cell: Cell) -> Record:
    return store.get(cell) or read_record(store.path(cell) / "record.json")


def resolve_device(wanted: str) -> str:
    """`auto` is CUDA where there is one. A device that is not there is refused."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise InputError(f"--device {wanted!r} is no device; choose cpu, cuda or cuda:0.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"--device {wanted} is not on this machine ({torch.cuda.device_count()} CUDA devices); choose cpu."
        )
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"--device {wanted} is not supported; choose cpu, cuda or cuda:0.")
    return wanted


def _evaluate(job: Job, missing: list[Cell], store: Store, request: Request, progress: Progress) -> int:
    from .evaluate import Evaluator, load_judges

    device = resolve_device(request.device)
    exact_kernels()
    store.put_protocol(job.protocol)
    main = evidence.MAIN[job.task]
    n, shards = len(job.data), evidence.shard_count(len(job.data))
    try:
        method = job.method.load(job.checkpoint, job.data.card, device, job.cells[0].options)
    except InputError as error:
        raise _Unusable(str(error)) from error
    evaluator = Evaluator(job, method, load_judges(job, device), device, request.batch_size)
    final = store
    if request.force:  # evaluated aside, so that the old figures stay until there are new ones
        store = Store(final.root / ".again")
        for cell in missing:
            store.forget(cell)
    reference = _reference(evaluator, final, shards) if job.task == "sis" else None
    todo = {
        number: [c for c in missing if not evidence.has_shard(store.path(c), number, main)] for number in range(shards)
    }
    sizes = {number: min(evidence.SHARD, n - number * evidence.SHARD) for number in range(shards)}
    work = sum(sizes[number] * len(cells) for number, cells in todo.items())
    title = f"{missing[0].dataset} {missing[0].task} {missing[0].method}"
    progress.job(title, n * len(missing), n * len(missing) - work)
    for number, cells in todo.items():
        if not cells:
            continue
        first = number * evidence.SHARD
        made = evaluator.shard(np.arange(first, first + sizes[number]), tuple(c.steps for c in cells), progress.advance)
        for cell in cells:
            if number == 0:
                _write_preview(evaluator, cell, store)
            evidence.write_shard(store.path(cell), number, main, made[cell.steps])
    facts, made_of = provenance.collect(device), checkpoint_facts(job.checkpoint)
    if made_of.parameters is None:  # another project's files do not say
        count = sum(p.numel() for network in method.networks for p in network.parameters())
        made_of = made_of.model_copy(update={"parameters": count})
    for cell in missing:
        try:
            record = _record(job, cell, made_of, Evidence(store.path(cell), shards, main), reference, facts)
        except InputError:
            raise
        except Exception:
            _put_failure(final, job, cell)
            continue
        store.put(cell, record)
        if request.force:
            store.move(cell, final)
    return work


def _put_failure(store: Store, job: Job, cell: Cell) -> None:
    """A failure is a record with its traceback, never a silent gap."""
    store.put(cell, blank(cell, job.protocol, checkpoint_facts(job.checkpoint), "failed", traceback.format_exc()))


def _record(
    job: Job,
    cell: Cell,
    made_of: CheckpointFacts,
    found: Evidence,
    reference: Evidence | None,
    facts: dict[str, Any],
) -> Record:
    from ..metrics.score import score

    metrics, absent, details = score(job.subject, found, reference)
    batches = found.batches()
    evaluations, rows = sum(b["evaluations"] for b in batches), sum(b["size"] for b in batches)
    main = found.table(evidence.MAIN[cell.task])
    expected = len(job.data) * cell.samples_per_mask
    ids = set(main["id"])
    if ids != set(job.data.ids) or len(main) != expected:
        raise RuntimeError(
            f"evidence of {cell.title} does not hold every sample once: {len(ids)} of {len(job.data)} ids"
        )
    record = blank(cell, job.protocol, made_of, "ok")
    return record.model_copy(
        update={
            "nfe": evaluations / rows,
            "nfe_executed": evaluations / rows,
            "metrics": metrics,
            "absent": absent,
            "details": details,
            "cost": throughput(batches),
            "provenance": facts,
        }
    )


def _reference(evaluator: Evaluator, store: Store, shards: int) -> Evidence:
    """Evidence of the real images under the job's protocol, made once a store."""
    from .evaluate import as_tables, confusion_columns, pad_to, to_uint8

    job, judges = evaluator.job, evaluator.judges
    folder = store.root / "protocols" / f"{job.protocol.hash}-reference"
    for number in range(shards):
        if evidence.has_shard(folder, number, "samples"):
            continue
        index = np.arange(number * evidence.SHARD, min((number + 1) * evidence.SHARD, len(job.data)))
        rows = []
        for start in range(0, len(index), evaluator.batch_size):
            batch = job.data.batch(index[start : start + evaluator.batch_size])
            real, images = len(batch.ids), to_uint8(batch.images)
            full = pad_to(images, min(evaluator.batch_size, len(job.data)))
            samples: dict[str, Any] = {"id": list(batch.ids)}
            tables: dict[str, Any] = {"samples": samples}
            if judges.features:
                samples["features"] = list(judges.features(full)[:real])
            if judges.align:
                seen = judges.align(full)[:real]
                if batch.labels.ndim == 1:
                    samples["aligned"] = seen == batch.labels
                else:
                    tables["alignment"] = confusion_columns(batch.ids, batch.labels, seen, len(job.data.card.classes))
            rows.append(tables)
        evidence.write_shard(folder, number, "samples", evidence.Shard(as_tables(rows), []))
    return Evidence(folder, shards, "samples")


def _write_preview(evaluator: Evaluator, cell: Cell, store: Store) -> None:
    """A strip of what the method made of the first images, beside the record."""
    from ...reports.pictures import preview

    if evaluator.job.data.card.is_points:
        return
    output = evaluator.outputs[cell.steps]
    task = "sis" if cell.task == "cycle" else cell.task
    batch = evaluator.job.data.batch(np.arange(min(8, len(output))))
    write_atomically(store.path(cell) / "preview.png", preview(evaluator.job.data.card, task, batch, output))
