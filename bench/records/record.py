"""Records: a cell's outcome, as it lies on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator, with_config
from typing_extensions import TypedDict

from ...symmflow.errors import InputError
from ...symmflow.names import Name, SlashedName
from ..protocols.reading import read_json
from .cell import Cell, Coordinates
from .code import Code

DIFFERING = 0.01
"""Share of values that may differ, beyond rounding, when samples are asked a second time."""


def _named(protocol: dict[str, str]) -> dict[str, str]:
    """The hash becomes part of a path, the rest of a page."""
    for part in ("name", "hash"):
        if not protocol.get(part):
            raise ValueError(f"protocol has no {part}")
    TypeAdapter(Name).validate_python(protocol["hash"])
    for part in ("name", "rules"):
        TypeAdapter(SlashedName).validate_python(protocol.get(part, part))
    return protocol


def _name_or_nothing(name: str) -> str:
    return name and TypeAdapter(Name).validate_python(name)


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

    @model_validator(mode="after")
    def _lies_in_its_interval(self) -> Self:
        ends = [end for end in (self.low, self.value, self.high) if end is not None]
        if not all(map(isfinite, ends)) or ends != sorted(ends):
            raise ValueError("is no figure with its interval about it")
        return self


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


class JudgeFacts(BaseModel):
    """Who judged alignment where it was no bundled network: how it was named, and who it is."""

    name: str
    checkpoint: str | None = None
    """Hub id or folder; within the folder that the run began in, as seen from there."""
    options: dict[str, Any] = Field(default_factory=dict)
    identity: str
    """As in the protocol: the method, its options, and the fingerprint of the model."""

    @property
    def fingerprint(self) -> str:
        return self.identity.rpartition(":")[2]

    @property
    def title(self) -> str:
        """`hf:segformer window=512`."""
        (kind, _, where), (said, _, _) = self.name.partition(":"), self.identity.partition(":")
        return f"{kind}:{Path(where).name.removesuffix('.py')}{said.removeprefix(kind)}"


SCHEMA: Literal[2] = 2
"""The version of records that are written."""


class _Versioned(BaseModel):
    schema_version: int = 1


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


class Jackknife(TypedDict):
    """A distance without each group of images, and its second differences."""

    without: list[float | None]
    second: list[float | None]


@with_config(ConfigDict(extra="allow"))
class Details(TypedDict, total=False):
    """What others than tables read; metrics may add to it."""

    jackknife: dict[str, Jackknife]
    classes: list[str]
    ignored_classes: list[str]
    features: dict[str, Any]
    seen: dict[str, dict[str, float]]
    """Of `syntheses` and `real` images: the share of each class, as the judge of alignment sees it."""


@with_config(ConfigDict(extra="allow"))
class Provenance(TypedDict, total=False):
    """Where it was made; see `provenance`."""

    packages: dict[str, str]
    threads: int | None
    cpu: str
    gpu: str
    processes: int
    processes_on_gpu: int
    """These five: of the machine whose speed is told; the last two where a launch has several processes on it."""
    batch_sizes: list[int]
    """Images a batch, where the outputs were made in batches of several sizes: they agree to rounding."""
    machines: dict[str, int]
    """Batches by the machine that made them, the most first, where they were unlike."""
    shares: list[str]
    """The processes and parts that made it, where it was not one alone."""


class Record(Coordinates):
    """A cell's outcome."""

    schema_version: Literal[1, 2] = SCHEMA
    key: Name
    status: Literal["ok", "failed"]
    reason: str = ""
    """The traceback of a failure."""
    checkpoint: CheckpointFacts
    options: dict[str, Any] = Field(default_factory=dict)
    """All inference options that the task depends on."""
    chosen: dict[str, Any] = Field(default_factory=dict)
    """Those of them that differ from the method's defaults: part of the cell."""
    n: Annotated[int, Field(ge=0, le=10**9)]
    """Evaluated images (labels, for synthesis)."""
    nfe: float | None = None
    """Network evaluations an image that the cell costs standing alone, counted by a hook."""
    nfe_executed: float | None = None
    """What was really spent, an image: less than `nfe` where a sweep shares evaluations between step counts."""
    metrics: dict[Name, Figure] = Field(default_factory=dict)
    absent: dict[Name, str] = Field(default_factory=dict)
    """Metrics that could not be measured here, and why."""
    details: Details = Field(default_factory=lambda: Details())
    """Per class figures, n / d of the features, and the like."""
    cost: Cost | None = None
    protocol: Annotated[dict[str, str], AfterValidator(_named)]
    """name, hash and rules; the whole of it lies in `protocols/` of the store."""
    judge: JudgeFacts | None = None
    """Of alignment, where it was named (`--judge`) and is none of those that are registered."""
    outputs: Code = Field(default_factory=Code)
    """The code that made the evidence."""
    scoring: Code = Field(default_factory=Code)
    """The code that made figures of it."""
    reference: Annotated[str, AfterValidator(_name_or_nothing)] = ""
    """Names the evidence of real images that the figures are against, of all that was made under the protocol."""
    differing: float | None = None
    """Share of the values that differed when the first samples were asked a second time; None: they were not."""
    evidence: str = Field(default="evidence", pattern=r"^evidence(-[0-9a-f]+-[0-9]+)?$")
    """The folder beside it where its evidence lies."""
    provenance: Provenance = Field(default_factory=lambda: Provenance())
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
        """What failed, in one line: the first one of the error, which stands below the traceback."""
        lines = self.reason.strip().splitlines() or [""]
        frames = [place for place, line in enumerate(lines[:-1]) if line.startswith("  ")]
        said = lines[frames[-1] + 1] if frames and lines[0].startswith("Traceback") else lines[-1]
        return re.sub(r"^(\w+\.)*(MethodError: )?", "", said).rstrip(".")

    def __repr__(self) -> str:
        figures = ", ".join(f"{name}={figure.value:.4g}" for name, figure in self.metrics.items())
        return f"<{self.dataset}/{self.task} {self.title}: {figures or self.status}>"


def read_record(path: Path) -> Record:
    """Raises `InputError` for what is no record of this version."""
    helps = "remove it and run the cell again"
    try:
        return read_json(Record, path, "a record of this symmbench", helps)
    except InputError:
        written = read_json(_Versioned, path, "a record of this symmbench", helps).schema_version
        if written <= SCHEMA:
            raise
        said = f"{path} is a record of a newer symmbench (schema {written}, this one reads {SCHEMA})"
        raise InputError(f"{said}; read it with that one.") from None


def dumps(records: Sequence[Record]) -> str:
    """Records as a JSON list."""
    return TypeAdapter(list[Record]).dump_json(list(records), indent=2).decode()
