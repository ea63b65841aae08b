"""Cells, records and the store of records."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...symmflow.errors import InputError
from ...symmflow.noise import NOISE_VERSION
from ..protocols.protocol import Protocol, content_hash

SCHEMA = 1


class Cell(BaseModel):
    """What is measured, under a protocol: the unit of work and of resuming. Its key is a hash of its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    checkpoint: str
    """Fingerprint of the checkpoint: its weights and how its recipe uses them."""
    task: Literal["cls", "ss", "sis", "cycle"]
    dataset: str
    split: str
    steps: int | None
    """None: the method or solver has no fixed number of steps."""
    solver: str | None
    options: dict[str, Any] = Field(default_factory=dict)
    """The method's inference options, all of them."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    seed: int = 0
    limit: int | None = None
    samples_per_mask: int = 1
    noise: str = NOISE_VERSION
    protocol: str
    """Hash of the protocol."""

    @property
    def key(self) -> str:
        return content_hash(self.model_dump(mode="json"))

    @property
    def title(self) -> str:
        """Short and readable: `symmflow steps=25 seed=0`."""
        parts = [self.method]
        if self.steps is not None:
            parts.append(f"steps={self.steps}")
        if self.solver not in (None, "euler"):
            parts.append(str(self.solver))
        if self.precision != "fp32":
            parts.append(self.precision)
        return " ".join([*parts, f"seed={self.seed}"])

    @property
    def folder(self) -> Path:
        """Where its record lies in a store."""
        name = re.sub(r"[^\w.=-]+", "-", self.title.replace("=", ""))
        return Path(self.dataset) / self.task / f"{name}-{self.key[:10]}"


class Metric(BaseModel):
    """A figure: shares are fractions in [0, 1]."""

    value: float
    low: float | None = None
    """95 % interval."""
    high: float | None = None
    unit: Literal["fraction", "distance"] = "fraction"
    better: Literal["higher", "lower"] = "higher"
    covers: str = ""
    """Which source of chance the interval speaks of."""


class CheckpointFacts(BaseModel):
    """Where the weights came from."""

    name: str
    sha256: str
    """Of the weights."""
    fingerprint: str
    """Of the weights and how the recipe uses them: the checkpoint's identity."""
    recipe: str | None
    """None: made elsewhere."""
    parameters: int | None
    trained_steps: int | None = None


class Cost(BaseModel):
    """What evaluating cost; a first throughput, not a timing protocol."""

    images_per_second: float | None = None
    """Median over full batches after a warm-up batch, device synchronised."""
    seconds_per_image: float | None = None
    relative: list[float] = Field(default_factory=list)
    """Time of a batch over that of its network calls alone, replayed in the same run: what of the speed is the method's
    own doing, comparable between machines. One value a batch, of the first few."""
    batch_size: int
    timed_batches: int = 0
    peak_memory_bytes: int | None = None
    """CUDA: peak allocated. CPU: peak resident memory of the process."""
    device: str


class Record(BaseModel):
    """A cell's outcome."""

    schema_version: int = SCHEMA
    key: str
    status: Literal["ok", "failed"]
    reason: str = ""
    """The traceback of a failure."""
    method: str
    checkpoint: CheckpointFacts
    task: str
    dataset: str
    split: str
    steps: int | None
    solver: str | None
    options: dict[str, Any] = Field(default_factory=dict)
    precision: str
    seed: int
    limit: int | None
    samples_per_mask: int
    noise: str
    n: int
    """Evaluated images (labels, for synthesis)."""
    nfe: float | None = None
    """Network evaluations an image that the cell costs standing alone, counted by a hook."""
    nfe_executed: float | None = None
    """What was really spent, an image: less than `nfe` where a sweep shares evaluations between step counts."""
    metrics: dict[str, Metric] = Field(default_factory=dict)
    absent: dict[str, str] = Field(default_factory=dict)
    """Metrics that could not be measured here, and why."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Per class figures, n / d of the features, and the like."""
    cost: Cost | None = None
    protocol: dict[str, str]
    """name, hash and rules; the whole of it lies in `protocols/` of the store."""
    provenance: dict[str, Any] = Field(default_factory=dict)
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


class Store:
    """A folder of records: `<data set>/<task>/<cell>/record.json`, evidence beside it. Mergeable by copying."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make sure that the folder can be written, before work is spent."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".write-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise unwritable(self.root, error) from None

    def path(self, cell: Cell) -> Path:
        return self.root / cell.folder

    def get(self, cell: Cell) -> Record | None:
        """The finished record of a cell, if there is one."""
        path = self.path(cell) / "record.json"
        if not path.is_file():
            return None
        record = read_record(path)
        return record if record.status == "ok" and record.key == cell.key else None

    def put(self, cell: Cell, record: Record) -> None:
        write_atomically(self.path(cell) / "record.json", record.model_dump_json(indent=2) + "\n")

    def put_protocol(self, protocol: Protocol) -> None:
        path = self.root / "protocols" / f"{protocol.hash}.json"
        if not path.is_file():
            write_atomically(path, protocol.model_dump_json(indent=2) + "\n")

    def forget(self, cell: Cell) -> None:
        """Drop a cell's record and evidence, to evaluate it again."""
        if self.path(cell).exists():
            try:
                shutil.rmtree(self.path(cell))
            except OSError as error:
                raise unwritable(self.path(cell), error) from None

    def move(self, cell: Cell, other: Store) -> None:
        """Put a finished cell in the place of another store's."""
        try:
            other.forget(cell)
            other.path(cell).parent.mkdir(parents=True, exist_ok=True)
            self.path(cell).rename(other.path(cell))
        except OSError as error:
            raise unwritable(other.path(cell), error) from None

    def items(self) -> Iterator[tuple[Record, Path]]:
        """Every record and the folder of its cell."""
        for path in sorted(self.root.glob("*/*/*/record.json")):
            yield read_record(path), path.parent


def read_record(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{path} is not a record of this symmbench ({'.'.join(map(str, first['loc']))}: {first['msg'].lower()}); "
            "remove its folder and run the cell again."
        ) from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write aside, flush to disk, rename: a reader never sees half a file, a full disk loses nothing."""
    if path.is_dir() or not path.name:
        raise InputError(f"{path} is a folder; name a file.")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> InputError:
    """The error for a folder that cannot be written, told by its cause."""
    remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "choose another folder with --out"
    return InputError(f"cannot write {path}: {error.strerror}; {remedy}. What was finished before is kept.")


def dumps(records: list[Record]) -> str:
    """Records as a JSON list."""
    return json.dumps([r.model_dump(mode="json") for r in records], indent=2)
