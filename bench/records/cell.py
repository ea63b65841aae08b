"""Cells: what is measured, and the hash that is its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...symmflow.names import LONGEST_NAME, Name, Source
from ..protocols import content_hash


class Coordinates(BaseModel):
    """What a cell and its record have in common. A field at its default does not count in the key."""

    method: Name
    version: int = 1
    """Of the method: raised when its outputs change."""
    task: Name
    dataset: Source
    split: Name
    steps: int | None
    """None: the method has none, its solver chooses them, or nobody says."""
    solver: Name | None
    """None: the method solves nothing."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    seed: int = 0
    limit: int | None = None
    samples_per_mask: int = 1
    noise: Name
    """Version of the noise."""

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


class Cell(Coordinates):
    """What is measured, under a protocol: the unit of work and of resuming. Its key is a hash of its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str
    """Fingerprint of the checkpoint: its weights and how its recipe uses them."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The method's inference options that differ from its defaults."""
    protocol: str
    """Hash of the protocol."""

    @property
    def key(self) -> str:
        return content_hash(self)

    @property
    def folder(self) -> Path:
        """Where its record lies in a store."""
        name = re.sub(r"[^\w.=-]+", "-", self.title.replace("=", ""))
        name = name.encode()[: LONGEST_NAME - 11].decode(errors="ignore")  # with a dash and the key, a name again
        where = re.sub(r"[^\w.@-]+", "-", self.dataset)[:LONGEST_NAME] if ":" in self.dataset else self.dataset
        return Path(where) / self.task / f"{name}-{self.key[:10]}"
