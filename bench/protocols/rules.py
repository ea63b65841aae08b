"""Named rules: how tasks are measured, whatever the data. Ours, the papers' and anyone's own, as TOML."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...symmflow.bounded import read_toml
from ...symmflow.errors import InputError, unknown
from ...symmflow.names import Name, one_line

DEFAULT = "harness"
BACKGROUND = "background"
"""The class that is one of its own by name."""


Samples = Annotated[int, Field(strict=True, ge=1, le=10**4)]


class Rules(BaseModel):
    """How tasks are measured, whatever the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Annotated[int, Field(strict=True, ge=1, le=10**6)]
    title: str = ""
    source: str = ""
    split: dict[str, str] = {}
    """Of tasks; the caller chooses that of the others."""
    samples_per_label: Samples | None = None
    """None: the caller chooses."""
    samples_on: dict[str, Samples] = {}
    """Samples a label on data sets that take another number of them."""
    extractor: str | None = None
    background: Literal["counted", "ignored"] = "counted"
    """Ignored: pixels whose truth is the class named background count for nothing, and the class is not in the mean."""
    rounding: Literal["round", "truncate"] = "round"
    """Of synthesized images to 8 bits."""
    scored_at: Literal["view", "original"] | None = None
    """The size at which masks are scored, the original one reached by nearest. None: the caller chooses."""
    metrics: dict[str, tuple[str, ...]] | None = None
    """Of each task. None: every metric that is registered, of every task."""
    departs: tuple[str, ...] = ()
    """Where the paper or its code measures otherwise than these rules can."""

    def measures(self, task: str) -> bool:
        return self.metrics is None or bool(self.metrics.get(task))

    def samples(self, dataset: str) -> int | None:
        """Samples a label on a data set; None: the caller chooses."""
        return self.samples_on.get(dataset, self.samples_per_label)

    def ignored(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """The classes that do not count."""
        return tuple(c for c in classes if c == BACKGROUND) if self.background == "ignored" else ()

    def require(self, task: str) -> None:
        """Raise `InputError` where they do not say how to measure a task."""
        if not self.measures(task):
            raise InputError(
                f"protocol {self.name} does not say how to measure {task}; it has {', '.join(self.metrics or ())}."
            )


@lru_cache(maxsize=1)
def all_rules() -> dict[str, Rules]:
    """The bundled rules, ours first."""
    tables = read_toml(Path(__file__).parent / "protocols.toml")
    return {name: Rules(name=name, **table) for name, table in tables.items()}


def rules(name: str) -> Rules:
    """Bundled rules by name, or one's own from a TOML file: the fields of `Rules`, named after the file by default."""
    if name.endswith(".toml"):
        return _own(Path(name))
    known = all_rules()
    if name not in known:
        raise unknown("protocol", name, known)
    return known[name]


def _own(path: Path) -> Rules:
    try:
        table = read_toml(path)
        found = Rules.model_validate({"name": path.stem, "version": 1} | table)
    except OSError as error:
        raise InputError(f"{path} cannot be read as a protocol: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        allowed = f"; a protocol has {', '.join(Rules.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise InputError(f"{path}: {where}: {one_line(first['msg'].lower(), 200)}{allowed}.") from None
    if found.name in all_rules():
        raise InputError(f"{path}: the name {found.name!r} is that of a bundled protocol; choose another.")
    return found
