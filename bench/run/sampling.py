"""From the steps of cells to those of a method."""

from __future__ import annotations

from collections.abc import Sequence

from ...methods import Sampling
from ...symmflow.noise import Draws
from ...symmflow.solvers import ADAPTIVE, Trace


def sampling(
    noise: Draws, steps: Sequence[int | None], solver: str | None, draw: int = 0, trace: Trace | None = None
) -> Sampling:
    """Cells say None both for a method without steps, which gives one result, and for an adaptive solver."""
    if solver in ADAPTIVE:
        return Sampling(noise, ("adaptive",), solver, draw, trace)
    return Sampling(noise, tuple(count for count in steps if count is not None), solver, draw, trace)
