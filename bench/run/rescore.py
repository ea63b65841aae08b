"""Figures again from stored evidence, also under another protocol: no network, no torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...symmflow.errors import InputError
from ..metrics.score import Subject, score
from ..protocols.protocol import (
    DEFAULT,
    EVALUATOR_OF,
    METRIC_VERSIONS,
    Protocol,
    Rules,
    policy,
    read_protocol,
    rules,
    title,
)
from ..records import evidence
from ..records.evidence import Evidence
from ..records.record import Cell, Metric, Record, Store, unwritable, write_atomically


@dataclass(frozen=True)
class Rescored:
    """A record, what it says now, and the metrics whose value or interval changed: name -> (before, after)."""

    before: Record
    after: Record
    folder: Path
    changed: dict[str, tuple[Metric | None, Metric | None]]


@dataclass
class Outcome:
    """Cells that were computed again, and those whose evidence does not suffice: (record, why)."""

    made: list[Rescored] = field(default_factory=list)
    left: list[tuple[Record, str]] = field(default_factory=list)


def rescore(
    folders: Sequence[Path], *, write: bool = False, protocol: str | None = None, out: Path | None = None
) -> Outcome:
    """Compute the metrics of every finished cell again.

    `write`: keep them; where a metric's definition changed since, under the protocol as it is now. `protocol`: under
    another named protocol, as far as the evidence allows (what was sampled stays sampled); records and evidence then go
    to the store `out`.
    """
    outcome = Outcome()
    named = rules(protocol) if protocol else None
    for root in folders:
        if not root.is_dir():
            raise InputError(f"there is no results folder {root}; `bench run` makes one.")
        for record, folder in Store(root).items():
            if record.status != "ok":
                continue
            stored = _protocol(record, root)
            if named and (reason := _beyond(record, stored, named)):
                outcome.left.append((record, reason))
                continue
            asked = _under(stored, record, named) if named else _today(stored)
            if named and asked.hash == stored.hash:
                outcome.left.append((record, f"it is measured as {named.name} says already"))
                continue
            try:
                found = _rescore(record, asked, stored, root, folder)
            except InputError as error:  # evidence that was pruned or is damaged
                outcome.left.append((record, str(error)))
                continue
            outcome.made.append(found)
            if named and out:
                _keep(found.after, asked, root, folder, Store(out), stored)
            elif write and asked.hash != stored.hash:  # a definition changed: the cell is another one now
                _keep(found.after, asked, root, folder, Store(root), stored)
                Store(root).forget(cell_of(record))
            elif write and found.after != found.before:
                write_atomically(folder / "record.json", found.after.model_dump_json(indent=2) + "\n")
    if not outcome.made and not outcome.left:
        raise InputError(f"there are no finished cells in {', '.join(map(str, folders))}; `bench run` makes some.")
    return outcome


def _protocol(record: Record, root: Path) -> Protocol:
    found = read_protocol(record.protocol["hash"], [root])
    if found is None:
        file = root / "protocols" / f"{record.protocol['hash']}.json"
        raise InputError(f"{file} is missing; copy the folder protocols/ together with the records.")
    return Protocol.model_validate({"rules": DEFAULT, "version": 1} | found)


def _beyond(record: Record, stored: Protocol, named: Rules) -> str:
    """Why evidence cannot be scored under other rules; empty where it can."""
    if not named.metrics.get(record.task):
        return f"{named.name} does not say how to measure {record.task}"
    if named.split_of(record.task) not in (None, record.split):
        return f"{named.name} measures on the {named.split_of(record.task)} split"
    if record.task in ("sis", "cycle"):
        if named.rounding != rules(stored.rules).rounding:
            return f"{named.name} rounds images otherwise ({named.rounding})"
        extractor = (stored.evaluators.get("extractor") or "").partition(":")[0]
        if named.extractor not in (None, extractor):
            return f"{named.name} takes features of {named.extractor}"
    if record.task == "sis" and named.samples_per_label not in (None, record.samples_per_mask):
        return f"{named.name} takes {named.samples_per_label} samples a label"
    return ""


def _today(stored: Protocol) -> Protocol:
    """The protocol with the metrics as they are defined now."""
    now = {name: METRIC_VERSIONS.get(name, version) for name, version in stored.metrics.items()}
    return stored if now == stored.metrics else stored.model_copy(update={"metrics": now})


def _under(stored: Protocol, record: Record, named: Rules) -> Protocol:
    masks = "ignored classes" in stored.policy
    needed = {EVALUATOR_OF.get(name) for name in named.metrics[record.task]}
    return stored.model_copy(
        update={
            "evaluators": {name: found if name in needed else None for name, found in stored.evaluators.items()},
            "name": title(stored.dataset, stored.task, named),
            "rules": named.name,
            "version": named.version,
            "policy": policy(stored.task, stored.classes, masks, named, record.samples_per_mask),
            "metrics": {name: METRIC_VERSIONS[name] for name in named.metrics[record.task]},
        }
    )


def _rescore(record: Record, asked: Protocol, stored: Protocol, root: Path, folder: Path) -> Rescored:
    found = Evidence.of(record, folder)
    reference = None
    if record.task == "sis":
        reference = Evidence(_reference(root, stored), evidence.shard_count(record.n), "samples")
    metrics, absent, details = score(_subject(record, asked, found), found, reference)
    protocol = {"name": asked.name, "hash": asked.hash, "rules": asked.rules}
    after = record.model_copy(
        update={"metrics": metrics, "absent": absent, "details": details, "protocol": protocol},
    )
    if protocol["hash"] != record.protocol["hash"]:
        after = after.model_copy(update={"key": cell_of(after).key})
    after = Record.model_validate_json(after.model_dump_json())  # as it will be read again
    both = {n: (record.metrics.get(n), after.metrics.get(n)) for n in [*record.metrics, *after.metrics]}
    return Rescored(record, after, folder, {n: (a, b) for n, (a, b) in both.items() if a != b})


def _subject(record: Record, protocol: Protocol, found: Evidence) -> Subject:
    judges = protocol.evaluators
    families = {"extractor": ("fid", "cycle_features"), "lpips": ("lpips_gt", "cycle_lpips"), "aligner": ("alignment",)}
    extractor = judges.get("extractor")
    masks = "ignored classes" in protocol.policy
    return Subject(
        task=record.task,
        classes=protocol.classes,
        ids=tuple(dict.fromkeys(found.table(evidence.MAIN[record.task])["id"])),
        masks=masks,
        metrics=tuple(protocol.metrics),
        ignored=tuple(protocol.policy["ignored classes"]) if masks else (),
        extractor=extractor.partition(":")[0] if extractor else None,
        lpips=bool(judges.get("lpips")),
        aligner=bool(judges.get("aligner")),
        reasons={
            judge: next((record.absent[m] for m in metrics if m in record.absent), "not measured")
            for judge, metrics in families.items()
        },
    )


def cell_of(record: Record) -> Cell:
    """The cell of a record."""
    shared = {name: getattr(record, name) for name in Cell.model_fields if name not in ("checkpoint", "protocol")}
    return Cell(**shared, checkpoint=record.checkpoint.fingerprint, protocol=record.protocol["hash"])


def _reference(root: Path, protocol: Protocol) -> Path:
    """Where the evidence of the real images lies."""
    return root / "protocols" / f"{protocol.hash}-reference"


def _keep(record: Record, protocol: Protocol, root: Path, folder: Path, store: Store, stored: Protocol) -> None:
    """Put a record and its evidence into another store; files are linked where that can be."""
    store.prepare()
    store.put_protocol(protocol)
    cell = cell_of(record)
    _link(folder / "evidence", store.path(cell) / "evidence")
    if record.task == "sis":
        _link(_reference(root, stored) / "evidence", _reference(store.root, protocol) / "evidence")
    store.put(cell, record)


def _link(source: Path, target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in source.glob("*.parquet"):
            (target / file.name).unlink(missing_ok=True)
            try:
                os.link(file, target / file.name)
            except OSError:
                shutil.copyfile(file, target / file.name)
    except OSError as error:
        raise unwritable(target, error) from None
