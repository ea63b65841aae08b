"""What a method made of a batch, and the evidence of batches as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .kept import States

if TYPE_CHECKING:
    import pandas as pd

    from ...datasets import Batch

Steps = int | None
"""Of a cell."""


@dataclass(frozen=True)
class Made:
    """What a method made of a batch."""

    index: np.ndarray
    """Positions of its samples."""
    batch: Batch
    """Padded."""
    outputs: dict[Steps, list[Any]]
    """By step count, one for each sample of a label."""
    timings: dict[Steps, list[dict[str, Any]]]
    states: dict[Steps, States]
    """What the traced samples among them showed on the way."""


def as_tables(rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Columns of several batches, joined into one table each."""
    import pandas as pd

    return {name: pd.concat([pd.DataFrame(part[name]) for part in rows], ignore_index=True) for name in rows[0]}
