"""Run the cell of a record again and say whether the figures came out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...symmflow.errors import InputError
from ..protocols.protocol import DEFAULT, fields_apart, rules
from ..records import evidence
from ..records.record import Record, read_record
from .plan import Request, plan
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


def reproduce(
    path: Path,
    *,
    checkpoint: str | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> Reproduced:
    """Evaluate a record's cell again: same checkpoint, samples, protocol and seed.

    `path`: the folder of a cell or its record.json. A checkpoint or protocol that is another one than the record's is
    refused: what came out would say nothing.
    """
    file = path / "record.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"there is no record at {path}; give the folder of a cell, such as results/digits/cls/....")
    before = read_record(file)
    if before.status != "ok":
        raise InputError(f"the record in {path} is of a cell that failed; there is nothing to reproduce.")
    named = rules(before.protocol.get("rules", DEFAULT))
    with TemporaryDirectory(prefix="symmbench-") as folder:
        foreign = before.checkpoint.recipe is None  # its row is called by the last part of where the model lay
        request = Request(
            methods=[f"{before.method.partition(':')[0]}:{before.checkpoint.name}" if foreign else before.method],
            tasks=[before.task],
            datasets=[before.dataset],
            steps=[before.steps or 1],
            seeds=[before.seed],
            split=before.split,
            solver=before.solver,
            options=before.options,
            checkpoint=checkpoint,
            precision=before.precision,
            limit=before.limit,
            samples_per_mask=before.samples_per_mask if before.task == "sis" else None,
            extractor=None if named.extractor else _extractor(before),
            protocol=named.name,
            data_root=data_root,
            batch_size=batch_size or (before.cost.batch_size if before.cost else 64),
            device=device,
            out=Path(folder),
            trust=trust,
        )
        planned = plan(request)
        (job,) = planned.jobs
        if job.checkpoint.fingerprint != before.checkpoint.fingerprint:
            raise InputError(
                f"the record was made with checkpoint {before.checkpoint.fingerprint[:12]} and here is "
                f"{job.checkpoint.fingerprint[:12]}; give the right one with --checkpoint."
            )
        (record,) = sweep(planned, request, progress).records
        if record.protocol["hash"] != before.protocol["hash"]:
            stores = [file.parents[3], Path(folder)] if len(file.parents) > 3 else [Path(folder)]
            fields = ", ".join(fields_apart(before.protocol["hash"], record.protocol["hash"], stores))
            raise InputError(f"the protocol is not the record's any more ({fields or 'its file is missing'}).")
        if record.status != "ok":
            raise InputError(f"the cell fails now: {record.reason.strip().splitlines()[-1]}.")
        again = Path(folder) / job.cells[0].folder
        equal = _evidence_equal(file.parent, again, before)
    return Reproduced(before, record, equal, _off(before, record))


def _extractor(record: Record) -> str:
    named = [m for m in record.metrics if m.partition("[")[0] in ("fid", "cycle_features")]
    return named[0].partition("[")[2].rstrip("]") or "inception" if named else "auto"


def _off(before: Record, after: Record) -> dict[str, tuple[float, float | None]]:
    off: dict[str, tuple[float, float | None]] = {}
    for name in dict.fromkeys([*before.metrics, *after.metrics]):
        a, b = before.metrics.get(name), after.metrics.get(name)
        if a is None or b is None:
            off[name] = (float("nan"), None)
        elif a.value != b.value:
            width = a.high - a.low if a.high is not None and a.low is not None else 0.0
            gap = b.value - a.value
            off[name] = (gap, abs(gap) / width if width else None)
    return off


def _evidence_equal(first: Path, second: Path, record: Record) -> bool:
    """False also where the first has none any more."""
    for number in range(evidence.shard_count(record.n)):
        try:
            tables: list[dict[str, Any]] = [evidence.read_shard(f, number, record.task) for f in (first, second)]
        except InputError:
            return False
        if tables[0].keys() != tables[1].keys():
            return False
        for name, table in tables[0].items():
            columns = list(table.columns)
            if columns != list(tables[1][name].columns) or len(table) != len(tables[1][name]):
                return False
            if any(table[c].map(_plain).tolist() != tables[1][name][c].map(_plain).tolist() for c in columns):
                return False
    return True


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
