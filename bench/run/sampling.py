"""From the steps of cells to those of a method."""

from __future__ import annotations

from collections.abc import Sequence

from ...methods import Sampling
from ...symmflow.noise import Draws
from ...symmflow.solvers import ADAPTIVE


def sampling(noise: Draws, steps: Sequence[int | None], solver: str | None, draw: int = 0) -> Sampling:
    """Cells say None both for a method without steps, which gives one result, and for an adaptive solver."""
    if solver in ADAPTIVE:
        return Sampling(noise, ("adaptive",), solver, draw)
    return Sampling(noise, tuple(count for count in steps if count is not None), solver, draw)
