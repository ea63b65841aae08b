"""Records: a cell's outcome, as it lies on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from ...symmflow.errors import InputError
from .cell import Cell, Coordinates
from .code import Code

SCHEMA = 2
DIFFERING = 0.01
"""Share of values that may differ, beyond rounding, when samples are asked a second time."""


class Figure(BaseModel):
    """What a metric came to: shares are fractions in [0, 1]."""

    value: float
    low: float | None = None
    """95 % interval."""
    high: float | None = None
    unit: Literal["fraction", "distance"] = "fraction"
    better: Literal["higher", "lower"] = "higher"
    covers: str = ""
    """Which source of chance the interval speaks of; where none is told, why."""


class CheckpointFacts(BaseModel):
    """Where the weights came from."""

    name: str
    sha256: str
    """Of the weights."""
    fingerprint: str
    """Of the weights and how the recipe uses them: the checkpoint's identity."""
    recipe: str | None
    """None: made elsewhere."""
    recipe_hash: str = ""
    """`Recipe.hash`: of all that the recipe trains, whatever it is called."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the recipe says under `[options]`, which the method defines."""
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


class Record(Coordinates):
    """A cell's outcome."""

    schema_version: int = SCHEMA
    key: str
    status: Literal["ok", "failed"]
    reason: str = ""
    """The traceback of a failure."""
    checkpoint: CheckpointFacts
    options: dict[str, Any] = Field(default_factory=dict)
    """All inference options that the task depends on."""
    chosen: dict[str, Any] = Field(default_factory=dict)
    """Those of them that differ from the method's defaults: part of the cell."""
    n: int
    """Evaluated images (labels, for synthesis)."""
    nfe: float | None = None
    """Network evaluations an image that the cell costs standing alone, counted by a hook."""
    nfe_executed: float | None = None
    """What was really spent, an image: less than `nfe` where a sweep shares evaluations between step counts."""
    metrics: dict[str, Figure] = Field(default_factory=dict)
    absent: dict[str, str] = Field(default_factory=dict)
    """Metrics that could not be measured here, and why."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Per class figures, n / d of the features, and the like."""
    cost: Cost | None = None
    protocol: dict[str, str]
    """name, hash and rules; the whole of it lies in `protocols/` of the store."""
    outputs: Code = Field(default_factory=Code)
    """The code that made the evidence."""
    scoring: Code = Field(default_factory=Code)
    """The code that made figures of it."""
    reference: str = ""
    """Names the evidence of real images that the figures are against, of all that was made under the protocol."""
    differing: float | None = None
    """Share of the values that differed when the first samples were asked a second time; None: they were not."""
    provenance: dict[str, Any] = Field(default_factory=dict)
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="microseconds"))

    @property
    def cell(self) -> Cell:
        """What it is the outcome of."""
        where = self.model_dump(include=set(Coordinates.model_fields))
        return Cell(
            **where, options=self.chosen, checkpoint=self.checkpoint.fingerprint, protocol=self.protocol["hash"]
        )

    def is_same(self, other: Record) -> bool:
        """Whether it is that record itself: neither evaluated nor scored again since."""
        own, others = ((r.key, r.created, r.outputs.digest, r.scoring.digest) for r in (self, other))
        return own == others

    @property
    def unrepeated(self) -> str:
        """How far it did not repeat; empty where it did, or was not asked to."""
        if self.differing is None or self.differing <= DIFFERING:
            return ""
        return f"{self.differing:.0%} of the values differ when samples are asked a second time"

    @property
    def failure(self) -> str:
        """What failed, in one line: the last one of the traceback."""
        lines = self.reason.strip().splitlines() or [""]
        return re.sub(r"^(\w+\.)*(MethodError: )?", "", lines[-1]).rstrip(".")

    def __repr__(self) -> str:
        figures = ", ".join(f"{name}={figure.value:.4g}" for name, figure in self.metrics.items())
        return f"<{self.dataset}/{self.task} {self.title}: {figures or self.status}>"


def read_record(path: Path) -> Record:
    """Raises `InputError` for what is no record of this version."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{path} is not a record of this symmbench ({'.'.join(map(str, first['loc']))}: {first['msg'].lower()}); "
            "remove its folder and run the cell again."
        ) from None


def dumps(records: Sequence[Record]) -> str:
    """Records as a JSON list."""
    return TypeAdapter(list[Record]).dump_json(list(records), indent=2).decode()
