"""The interface of a judge; another package adds an instance to the entry-point group `symmbench.judges`."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Card
from ...symmflow.errors import InputError
from ..records.missing import Missing

Role = str
"""What metrics ask for: `extractor`, `lpips` or `aligner`. Tasks call these; another one takes a task that calls it."""

Features = Callable[[np.ndarray], np.ndarray]
"""Of an extractor: uint8 [B, C, H, W] -> float32 [B, D]."""
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Of an lpips: two batches uint8 [B, C, H, W] -> distance [B], float32."""
Align = Callable[[np.ndarray], np.ndarray]
"""Of an aligner: uint8 [B, C, H, W] -> class ids [B] or [B, H, W], int64."""


@dataclass(frozen=True)
class Named:
    """A judge as the user names it: one that is registered, or the model of a method (`hf:FOLDER`, `mmseg:CONFIG`)."""

    name: str
    checkpoint: str | None = None
    """What `--checkpoint` would be, were it compared."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of a model: its inference options."""
    trust: bool = False
    """The user lets it run code."""


@dataclass(frozen=True)
class Found:
    """A judge whose weights are on this machine."""

    name: str
    role: Role
    identity: str
    """What the protocol keeps: a name and the SHA-256 of the weights, `inception:f58c...`."""
    path: Path
    """Where the weights lie on the machine that found them; of a judge that has none, its code."""
    named: Named | None = None
    """How it was named where it is no registered judge with its own weights."""


class Judge(ABC):
    """An independent network that looks at outputs: of the data sets whose cards name it, and where it is asked for."""

    name: str
    role: Role
    what: str = ""
    """One sentence for people."""
    runs: tuple[str, ...] = ()
    """The registered methods that it looks with: their code is its code too."""

    def suits(self, card: Card) -> bool:
        """Whether it can say anything of such data; where it cannot, nobody misses it."""
        return True

    @abstractmethod
    def find(self, card: Card) -> Found | Missing:
        """Its weights on this machine, or why there are none. Imports no torch and fetches nothing."""

    def found(self, fingerprint: str, path: Path | None = None) -> Found:
        """It is here. `fingerprint`: SHA-256 of its weights, or a version of its own where it has none."""
        return Found(self.name, self.role, f"{self.name}:{fingerprint}", path or Path(inspect.getfile(type(self))))

    def of(self, checkpoint: str) -> Judge:
        """It with weights that the user trained. Raises `InputError` where it takes none but its own."""
        raise InputError(f"{self.name} has its own weights; drop the checkpoint, or name a model such as hf:FOLDER.")

    @abstractmethod
    def load(self, found: Found, card: Card, device: str) -> Callable[..., np.ndarray]:
        """The network as a function of uint8 images: `Features`, `Distance` or `Align`, as its role has it."""
