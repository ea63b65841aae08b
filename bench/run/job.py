"""Jobs: cells that are evaluated together, as plain data that another process or machine can open."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ... import datasets, methods
from ...datasets import Card, Split
from ...methods import Method
from ...symmflow.errors import InputError
from .. import metrics, tasks
from ..judges import Found
from ..metrics import Metric, Subject
from ..metrics.reference import Statistics, read_statistics
from ..protocols import Protocol
from ..records import Cell, CheckpointFacts, JudgeFacts, Missing, Record, shard_count


class Job(BaseModel):
    """Cells that differ in their steps alone. Data, method and judges are loaded where it is opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    """As it was asked for: `symmflow`, `semflow[unperturbed]`, `hf:owner/name`; paths are absolute."""
    checkpoint: str | None
    """Folder (absolute) or hub id; None: the bundled one."""
    made_of: CheckpointFacts
    trust: bool = False
    data_root: Path | None = None
    reference: Path | None = None
    """NPZ of the statistics that stand in the place of real images."""
    protocol: Protocol
    judges: dict[str, Found] = {}
    """By role."""
    missing: dict[str, str] = {}
    """By role, why there is no judge."""
    options: dict[str, Any] = {}
    """All inference options that the task depends on."""
    cells: tuple[Cell, ...]

    @property
    def task(self) -> tasks.Task:
        return tasks.task(self.protocol.task)

    @cached_property
    def card(self) -> Card:
        return datasets.card(self.protocol.dataset, self.data_root)

    @property
    def ready_made(self) -> bool:
        """Whether its outputs are read, not made."""
        return methods.method(self.method).ready_made

    @property
    def shards(self) -> int:
        return shard_count(self.protocol.n)

    @property
    def title(self) -> str:
        return f"{self.protocol.dataset} {self.protocol.task} {self.cells[0].method}"

    @cached_property
    def subject(self) -> Subject:
        return metrics.subject_of(self.protocol, {role: Missing(reason) for role, reason in self.missing.items()})

    @property
    def metrics(self) -> list[Metric]:
        """In the order of tables."""
        return metrics.of(self.task.name, self.protocol.rules, self.subject)

    @property
    def judge(self) -> JudgeFacts | None:
        """The model that was named as the judge of alignment."""
        found = self.judges.get("aligner")
        if found is None or found.named is None:
            return None
        named = found.named
        return JudgeFacts(
            name=_from_here(named.name),
            checkpoint=named.checkpoint and _from_here(named.checkpoint),
            options=dict(named.options),
            identity=found.identity,
        )

    def data(self) -> Split:
        """The samples. Raises `InputError` where this machine has others than were planned with."""
        asked = self.protocol
        split = datasets.load(asked.dataset, asked.split, self.data_root).first(asked.n)
        found = split.manifest
        if (found.ids_sha256, found.content_sha256) != (asked.ids_sha256, asked.content_sha256):
            raise InputError(f"{asked.dataset} {asked.split} has changed since this was planned; start again.")
        split.verify()
        return split.with_originals() if asked.rules.scored_at == "original" else split

    def prepare(self, method: Method) -> None:
        """Tell a method what it will be asked for. Raises `InputError` where it cannot be given."""
        everything = datasets.manifest(self.protocol.dataset, self.protocol.split, self.data_root).ids
        for part in self.task.parts(self.card):
            method.prepare(part, everything[: self.protocol.n], everything, self.cells[0].samples_per_mask)

    def statistics(self) -> Statistics | None:
        """Those of the reference. Raises `InputError` where they are others than were planned with."""
        if self.reference is None:
            return None
        found = read_statistics(self.reference)
        if found.sha256 != self.protocol.reference:
            raise InputError(f"the statistics {self.reference} have changed since this was planned; start again.")
        return found

    def blank(self, cell: Cell, status: str, reason: str = "", made_of: CheckpointFacts | None = None) -> Record:
        """A record of a cell without its outcome."""
        protocol = self.protocol
        return Record(
            key=cell.key,
            status=status,  # type: ignore[arg-type]
            reason=reason,
            checkpoint=made_of or self.made_of,
            n=protocol.n,
            options=self.options,
            chosen=cell.options,
            judge=self.judge,
            **cell.model_dump(exclude={"checkpoint", "protocol", "options"}),
            protocol={"name": protocol.name, "hash": protocol.hash, "rules": protocol.rules.name},
        )


def _from_here(named: str) -> str:
    """`hf:FOLDER` or a folder, within this folder as seen from it: others, who read records, have other folders."""
    kind, colon, where = named.rpartition(":")
    path, here = Path(where), Path.cwd()
    return f"{kind}{colon}{path.relative_to(here)}" if path.is_absolute() and path.is_relative_to(here) else named
