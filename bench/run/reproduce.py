"""Run the cell of a record again and say whether the figures came out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...symmflow.errors import InputError
from .. import metrics, tasks
from ..protocols import fields_apart, read_protocol, rules
from ..records import Record, Store, Stored, measured_at
from .plan import Plan, plan
from .request import Request
from .sweep import Progress, sweep

ROUNDING = 0.01
"""Share of its interval's width by which a metric may differ and still agree."""


@dataclass(frozen=True)
class Reproduced:
    """What a second run of a cell gave."""

    before: Record
    after: Record
    evidence_equal: bool
    """Every row of evidence is the same, to the bit."""
    off: dict[str, tuple[float, float | None]]
    """Metrics that differ: name -> (difference, share of the interval's width)."""

    @property
    def verdict(self) -> str:
        """`bit for bit`, `to rounding` or `no`."""
        if not self.off and self.evidence_equal:
            return "bit for bit"
        return "to rounding" if all(w is not None and w <= ROUNDING for _, w in self.off.values()) else "no"

    @property
    def mixed(self) -> str:
        """That the record's batches were of several sizes, which kernels round otherwise; empty where they were not."""
        if not (sizes := self.before.provenance.get("batch_sizes")):
            return ""
        now = f", this time of {self.after.cost.batch_size}" if self.after.cost else ""
        return f"Its batches were of {' and '.join(map(str, sizes))} images{now}: outputs may differ by rounding."

    def __repr__(self) -> str:
        return f"<{self.before.dataset}/{self.before.task} {self.before.title}: {self.verdict}>"


def reproduce(
    path: Path,
    *,
    checkpoint: str | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    judge: str | None = None,
    judge_checkpoint: str | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> Reproduced:
    """Evaluate a record's cell again: same checkpoint, samples, protocol and seed.

    `path`: the folder of a cell or its record.json; `judge`, `judge_checkpoint`: where a model that judged alignment
    lies by now. A checkpoint or protocol that is another one than the record's is
    refused: what came out would say nothing.
    """
    stored = measured_at(path, "there is nothing to reproduce")
    before = stored.record
    with TemporaryDirectory(prefix="symmbench-") as folder:
        request = _request(
            stored,
            checkpoint=checkpoint,
            data_root=data_root,
            device=device,
            batch_size=batch_size or (before.cost.batch_size if before.cost else 64),
            **_judge(before, judge, judge_checkpoint),
            trust=trust,
            out=Path(folder),
        )
        planned = plan(request)
        _same(stored, planned)
        try:
            (record,) = sweep(planned, request, progress).records
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing of it is kept; the same command begins anew") from None
        if record.status != "ok":
            raise InputError(f"the cell fails now: {record.failure}.")
        again = Stored(record, Store(Path(folder)).path(record.cell))
        return Reproduced(before, record, _equal(stored, again), _off(before, record))


def _request(stored: Stored, **more: Any) -> Request:
    """What would have to be asked for to get the record's cell."""
    record = stored.record
    protocol = read_protocol(record.protocol["hash"], [stored.store.root])
    named = protocol.rules if protocol else rules(record.protocol["rules"])
    foreign = record.checkpoint.recipe is None  # its row is called by the last part of where the model lay
    own = f"{record.method.partition(':')[0]}:{record.checkpoint.name}" if foreign else record.method
    return Request(
        methods=[own],
        tasks=[record.task],
        datasets=[record.dataset],
        steps=[record.steps] if record.steps else [],
        name=record.method.partition(":")[2] or None if foreign else None,
        seeds=[record.seed],
        split=record.split,
        solver=record.solver,
        options=record.options,
        precision=record.precision,
        limit=record.limit,
        samples_per_mask=record.samples_per_mask if tasks.task(record.task).several else None,
        reference=stored.store.statistics(protocol.hash) if protocol and protocol.reference else None,
        extractor=None if named.extractor else _extractor(record),
        protocol=named,
        **more,
    )


def _judge(record: Record, name: str | None, checkpoint: str | None) -> dict[str, Any]:
    """The named judge of a record, where it lay or where it lies now."""
    if (before := record.judge) is None:
        if name or checkpoint:
            raise InputError("no model was named as the judge of this record; drop --judge.")
        return {}
    return {
        "judge": name or before.name,
        "judge_checkpoint": checkpoint or before.checkpoint,
        "judge_options": before.options,
    }


def _same(stored: Stored, planned: Plan) -> None:
    """Refuse another checkpoint or protocol than the record's."""
    before = stored.record
    (job,) = planned.jobs
    if job.made_of.fingerprint != before.checkpoint.fingerprint:
        raise InputError(
            f"the record was made with checkpoint {before.checkpoint.fingerprint[:12]} and here is "
            f"{job.made_of.fingerprint[:12]}; give the right one with --checkpoint."
        )
    if (hashed := job.protocol.hash) != before.protocol["hash"]:
        with TemporaryDirectory(prefix="symmbench-") as folder:
            Store(Path(folder)).put_protocol(job.protocol)
            fields = ", ".join(fields_apart(before.protocol["hash"], hashed, [stored.store.root, Path(folder)]))
        raise InputError(f"the protocol is not the record's any more ({fields or 'its file is missing'}).")


def _extractor(record: Record) -> str | None:
    """The extractor in the names of the record's figures; that without brackets is the metric's own."""
    for name in record.metrics:
        metric = metrics.known(name)
        if metric and metric.judge == "extractor":
            return name.partition("[")[2].rstrip("]") or metric.own_judge
    return None


def _off(before: Record, after: Record) -> dict[str, tuple[float, float | None]]:
    """Of the record's own metrics: one that was added since says nothing of it."""
    off: dict[str, tuple[float, float | None]] = {}
    for name, a in before.metrics.items():
        b = after.metrics.get(name)
        if b is None:
            off[name] = (float("nan"), None)
        elif a.value != b.value:
            width = a.high - a.low if a.high is not None and a.low is not None else 0.0
            gap = b.value - a.value
            off[name] = (gap, abs(gap) / width if width else None)
    return off


def _equal(first: Stored, second: Stored) -> bool:
    """Whether all evidence is the same to the bit; False also where the first has none any more."""
    try:
        for number in range(first.evidence.shards):
            tables = [stored.evidence.shard(number) for stored in (first, second)]
            if tables[0].keys() != tables[1].keys():
                return False
            for name, table in tables[0].items():
                if not table.map(_plain).equals(tables[1][name].map(_plain)):
                    return False
    except InputError:
        return False
    return True


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
