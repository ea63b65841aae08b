"""Figures again from stored evidence: no network, no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..symmflow.errors import InputError
from . import evidence
from .records import Record, Store, write_atomically
from .score import Subject, score


@dataclass(frozen=True)
class Rescored:
    """A record, what it says now, and the metrics that changed: name -> (before, after)."""

    before: Record
    after: Record
    folder: Path
    changed: dict[str, tuple[float | None, float | None]]


def rescore(folders: Sequence[Path], *, write: bool = False) -> list[Rescored]:
    """Compute the metrics of every finished cell again; `write`: keep them, also where their definition changed."""
    made = []
    for root in folders:
        if not root.is_dir():
            raise InputError(f"there is no results folder {root}; `bench run` makes one.")
        for record, folder in Store(root).items():
            if record.status != "ok":
                continue
            found = _rescore(record, root, folder)
            made.append(found)
            if write and found.after != found.before:
                write_atomically(folder / "record.json", found.after.model_dump_json(indent=2) + "\n")
    if not made:
        raise InputError(f"there are no finished cells in {', '.join(map(str, folders))}; `bench run` makes some.")
    return made


def _rescore(record: Record, root: Path, folder: Path) -> Rescored:
    file = root / "protocols" / f"{record.protocol['hash']}.json"
    if not file.is_file():
        raise InputError(f"{file} is missing; copy the folder protocols/ together with the records.")
    protocol = json.loads(file.read_text())
    tables = evidence.read(folder, -(-record.n // evidence.SHARD), evidence.MAIN[record.task]).tables
    if evidence.IDS[record.task] not in tables:
        raise InputError(f"the evidence in {folder} is of an older version; run the cell again with --force.")
    reference: dict[str, Any] = {}
    if record.task == "sis":
        shards = -(-record.n // evidence.SHARD)
        reference = dict(evidence.read(file.with_name(f"{file.stem}-reference"), shards, "samples").tables)
    metrics, absent, details = score(_subject(record, protocol, tables), tables, reference)
    after = record.model_copy(update={"metrics": metrics, "absent": absent, "details": details})
    names = dict.fromkeys([*record.metrics, *metrics])
    values = {n: tuple(m[n].value if n in m else None for m in (record.metrics, metrics)) for n in names}
    changed = {n: (a, b) for n, (a, b) in values.items() if a != b}
    return Rescored(record, Record.model_validate_json(after.model_dump_json()), folder, changed)


def _subject(record: Record, protocol: dict[str, Any], tables: Any) -> Subject:
    judges = protocol["evaluators"]
    families = {"extractor": "fid", "lpips": "lpips_gt", "aligner": "alignment"}
    extractor = judges.get("extractor")
    return Subject(
        task=record.task,
        classes=tuple(protocol["classes"]),
        ids=tuple(dict.fromkeys(tables[evidence.IDS[record.task]]["id"])),
        masks=record.task == "ss" or "alignment" in tables,
        extractor=extractor.partition(":")[0] if extractor else None,
        lpips=bool(judges.get("lpips")),
        aligner=bool(judges.get("aligner")),
        reasons={judge: record.absent.get(metric, "not measured") for judge, metric in families.items()},
    )
