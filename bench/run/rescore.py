"""Figures again from stored evidence, also under another protocol: no network, no torch."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...symmflow.errors import InputError, Unwritable
from ...symmflow.files import atomic
from .. import metrics, tasks
from ..code import Installed, parts
from ..metrics import Metric, Scores, Subject
from ..metrics.reference import read_statistics
from ..protocols import Protocol, Rules, rules
from ..records import Code, Figure, Generation, Missing, Record, Store, Stored


@dataclass(frozen=True)
class Rescored:
    """A record, what it says now, and the metrics that changed by more than rounding: name -> (before, after)."""

    before: Record
    after: Record
    folder: Path
    changed: dict[str, tuple[Figure | None, Figure | None]]


@dataclass
class Rescoring:
    """Cells that were computed again, and those whose evidence does not suffice: (record, why)."""

    made: list[Rescored] = field(default_factory=list)
    left: list[tuple[Record, str]] = field(default_factory=list)
    out: Path | None = None
    """The folder of the new records, where they are of another protocol."""

    def __repr__(self) -> str:
        changed = sum(bool(one.changed) for one in self.made)
        return f"<{len(self.made)} cells scored again, {changed} changed, {len(self.left)} left>"


def rescore(
    folders: Sequence[Path], *, write: bool = False, protocol: str | None = None, out: Path | None = None
) -> Rescoring:
    """Compute the metrics of every finished cell again.

    `write`: keep them; where a metric's definition changed since, under the protocol as it is now. `protocol`: under
    another named protocol, as far as the evidence allows (what was sampled stays sampled); records and evidence then go
    to the store `out`, by default results-NAME.
    """
    if out and not protocol:
        raise InputError("--out goes with --protocol; without one, --write keeps the figures in their records.")
    if protocol and write:
        raise InputError("--write goes without --protocol; figures under another protocol go to --out.")
    if protocol and not out:
        out = Path(f"results-{Path(protocol).stem}")
    outcome, installed = Rescoring(out=out), Installed()
    named = rules(protocol) if protocol else None
    for root in folders:
        if not root.is_dir():
            raise InputError(f"there is no results folder {root}; `bench run` makes one.")
        for stored in Store(root).items():
            if stored.record.status == "ok":
                _again(stored, named, outcome, write, out, installed)
    if not outcome.made and not outcome.left:
        raise InputError(f"there are no finished cells in {', '.join(map(str, folders))}; `bench run` makes some.")
    return outcome


def _again(
    stored: Stored, named: Rules | None, outcome: Rescoring, write: bool, out: Path | None, installed: Installed
) -> None:
    record, store = stored.record, stored.store
    before = store.protocol(record)
    asked = _measured(before, named or before.rules)
    if named and (reason := _beyond(record, before, named) or _already(before, asked, named)):
        outcome.left.append((record, reason))
        return
    try:
        if asked.hash != before.hash and not stored.finished:  # what goes elsewhere could not be committed there
            raise InputError(f"the evidence in {stored.folder} is not whole; `bench run` makes what is missing.")
        found = _rescored(stored, asked, installed)
    except InputError as error:  # evidence that was pruned or is damaged
        outcome.left.append((record, str(error)))
        return
    outcome.made.append(found)
    if named and out:
        _keep(found.after, asked, stored, Store(out))
    elif write and asked.hash != before.hash:  # a definition changed: the cell is another one now
        _keep(found.after, asked, stored, store)
        store.forget(record.cell)
    elif write and found.after != found.before:
        stored.rewrite(found.after)


def _asked(protocol: Protocol, named: Rules) -> list[Metric]:
    return metrics.of(protocol.task, named, Subject(protocol.classes, protocol.masks, protocol.ignored))


def _measured(protocol: Protocol, named: Rules) -> Protocol:
    """The same samples under some rules, with the metrics as they are defined now."""
    asked = _asked(protocol, named)
    versions = {metric.name: metric.version for metric in asked}
    if named == protocol.rules:
        return protocol.model_copy(update={"metrics": versions})
    named = named.model_copy(update={"scored_at": protocol.rules.scored_at})  # evidence is of one size
    policy = tasks.task(protocol.task).policy(protocol.card, named, protocol.policy.get("samples per label", 1))
    return protocol.under(named, policy, versions, {metric.judge for metric in asked if metric.judge})


def _already(before: Protocol, asked: Protocol, named: Rules) -> str:
    return f"it is measured as {named.name} says already" if asked.hash == before.hash else ""


def _beyond(record: Record, before: Protocol, named: Rules) -> str:
    """Why evidence cannot be scored under other rules; empty where it can."""
    task = tasks.task(record.task)
    if not named.measures(task.name):
        return f"{named.name} does not say how to measure {task.name}"
    if named.split.get(task.name) not in (None, record.split):
        return f"{named.name} measures on the {named.split[task.name]} split"
    if named.scored_at not in (None, before.rules.scored_at or "view"):
        return f"{named.name} scores masks at the {named.scored_at} size"
    if task.draws:
        if named.rounding != before.rules.rounding:
            return f"{named.name} rounds images otherwise ({named.rounding})"
        extractor = (before.judges.get("extractor") or "").partition(":")[0]
        if named.extractor not in (None, extractor):
            return f"{named.name} takes features of {named.extractor}"
    if task.several and (several := named.samples(record.dataset)) not in (None, record.samples_per_mask):
        return f"{named.name} takes {several} samples a label"
    return ""


def scored(record: Record, scores: Scores, code: Code) -> Record:
    """A record with these figures, which `code` made of its evidence."""
    made = {"metrics": scores.figures, "absent": scores.absent, "details": scores.details}
    return record.model_copy(update=made | {"scoring": code})


def _rescored(stored: Stored, asked: Protocol, installed: Installed) -> Rescored:
    record = stored.record
    stored.check()
    chosen = _asked(asked, asked.rules)
    missing = {m.judge: Missing(record.absent[m.name]) for m in chosen if m.judge and m.name in record.absent}
    scores = metrics.score(chosen, stored.evidence, metrics.subject_of(asked, missing))
    after = scored(record, scores, installed.code(parts.scoring(m.name for m in chosen), record.scoring))
    protocol = {"name": asked.name, "hash": asked.hash, "rules": asked.rules.name}
    after = after.model_copy(update={"protocol": protocol})
    after = after.model_copy(update={"key": after.cell.key})
    after = Record.model_validate_json(after.model_dump_json())  # as it will be read again
    both = {n: (record.metrics.get(n), after.metrics.get(n)) for n in [*record.metrics, *after.metrics]}
    return Rescored(record, after, stored.folder, {n: (a, b) for n, (a, b) in both.items() if not _alike(a, b)})


def _alike(a: Figure | None, b: Figure | None) -> bool:
    """The same to rounding: another machine's libraries add in another order."""
    if a is None or b is None:
        return a is b
    ends = ("value", "low", "high")
    pairs = [(getattr(a, end), getattr(b, end)) for end in ends]
    near = all(x == y or (x is not None and y is not None and metrics.is_same(x, y)) for x, y in pairs)
    return near and a.model_dump(exclude=set(ends)) == b.model_dump(exclude=set(ends))


def _keep(record: Record, protocol: Protocol, stored: Stored, store: Store) -> None:
    """Put a record and its evidence into another store; files are linked where that can be."""
    store.prepare()
    store.put_protocol(protocol)
    source = stored.evidence
    made = hashlib.sha256(f"{stored.record.key} {stored.record.created}".encode()).hexdigest()[:10]
    record = record.model_copy(update={"evidence": Generation(made, 0).name})
    _link(source.folder, store.path(record.cell) / record.evidence)
    if source.real.folder.is_dir():
        _link(source.real.folder, store.reference(protocol.hash, record.reference) / "evidence")
    if source.statistics is not None:
        read_statistics(source.statistics).write(store.statistics(protocol.hash))
    if (stands := store.get(record.cell)) and stands.evidence == record.evidence:
        Stored(stands, store.path(record.cell)).rewrite(record)
    else:
        store.commit(record.cell, record)


def _link(source: Path, target: Path) -> None:
    """What is there already is the same."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(source.glob("[!.]*-*.*")):
            if (target / file.name).exists():
                continue
            try:
                os.link(file, target / file.name)
            except OSError:
                with atomic(target / file.name) as aside:
                    shutil.copyfile(file, aside)
    except OSError as error:
        raise Unwritable(target, error) from None
