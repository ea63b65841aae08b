"""Maps a store of before the keys changed (records of schema 1) to one of today; figures are taken as they are.

```
python tests/migrate_store.py OLD NEW
```
prints old and new keys, protocol hashes and checkpoint fingerprints as JSON: {"old": "new", ...}.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet

from symmbench import methods
from symmbench.bench.records import Record, Store
from symmbench.bench.run.job import Job
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.bench.tasks import task

MAIN = ("predictions", "masks", "samples", "cycles")
"""What the table of every sample was called, by task."""


def migrate(old: Path, new: Path) -> dict[str, str]:
    """Copy every record of `old` with its evidence to its place in `new`; old names -> new names."""
    store, renamed = Store(new), dict[str, str]()
    store.prepare()
    for file in sorted(old.glob("*/*/*/record.json")):
        before = json.loads(file.read_text())
        job = _job(before)
        (cell,) = job.cells
        names = {
            before["key"]: cell.key,
            before["protocol"]["hash"]: job.protocol.hash,
            before["checkpoint"]["fingerprint"]: cell.checkpoint,
        }
        renamed |= names
        store.put_protocol(job.protocol)
        _copy(file.parent / "evidence", store.path(cell) / "evidence")
        reference = old / "protocols" / f"{before['protocol']['hash']}-reference" / "evidence"
        if reference.is_dir():
            _copy(reference, store.reference(job.protocol.hash) / "evidence")
        blank = job.blank(cell, before["status"], before["reason"]).model_dump()
        kept = ("nfe", "nfe_executed", "metrics", "absent", "details", "cost", "provenance", "created")
        store.put(cell, Record.model_validate(blank | {name: before[name] for name in kept}))
    return renamed


def _job(before: dict[str, Any]) -> Job:
    """The job that answers what the record was asked for."""
    asked = Request(
        methods=[before["method"]],
        tasks=[before["task"]],
        datasets=[before["dataset"]],
        steps=[before["steps"] or 1],
        seeds=[before["seed"]],
        split=before["split"],
        solver=before["solver"],
        options={name: value for name, value in before["options"].items() if _has(before["method"], name)},
        precision=before["precision"],
        limit=before["limit"],
        samples_per_mask=before["samples_per_mask"] if task(before["task"]).several else None,
        protocol=before["protocol"]["rules"],
    )
    (job,) = plan(asked).jobs
    sha256 = methods.checkpoint(before["method"], before["dataset"]).sha256
    if sha256 != before["checkpoint"]["sha256"] or job.protocol.n != before["n"]:
        raise ValueError(f"{before['key']} was made with other weights or samples")
    return job


def _has(method: str, option: str) -> bool:
    return option in methods.method(method).Inference.model_fields


def _copy(old: Path, new: Path) -> None:
    """Evidence: the table of every sample is called `samples`, the timing lies beside it."""
    new.mkdir(parents=True, exist_ok=True)
    for file in old.glob("*.parquet"):
        table, _, number = file.stem.rpartition("-")
        shutil.copyfile(file, new / f"{'samples' if table in MAIN else table}-{number}.parquet")
        batches = (parquet.read_schema(file).metadata or {}).get(b"batches")
        if batches is not None:
            (new / f"timing-{number}.json").write_text(batches.decode())


if __name__ == "__main__":
    print(json.dumps(migrate(Path(sys.argv[1]), Path(sys.argv[2])), indent=2))
