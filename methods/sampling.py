"""How a method is asked to sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..symmflow.errors import InputError
from ..symmflow.solvers import Steps

if TYPE_CHECKING:
    from ..symmflow.noise import Draws
    from ..symmflow.solvers import Trace


@dataclass(frozen=True)
class Sampling:
    """The noise, the step counts, the solver, which draw, and who watches."""

    noise: Draws
    steps: tuple[Steps, ...] = ()
    """A result each, in this order, so that a method may share work between them; a method without steps ignores them
    and gives one result."""
    solver: str | None = None
    """None where nothing is solved."""
    draw: int = 0
    """Numbers the syntheses of one label."""
    trace: Trace | None = None

    def each(self) -> Iterator[Sampling]:
        """One `Sampling` a step count; one in all where there are none."""
        for count in self.steps:
            yield replace(self, steps=(count,))
        if not self.steps:
            yield self

    @property
    def counts(self) -> tuple[int, ...]:
        """`steps`, for a method that takes only whole numbers."""
        counts = tuple(count for count in self.steps if isinstance(count, int))
        if counts != self.steps:
            raise InputError("no adaptive solver fits here; give steps as whole numbers.")
        return counts

    @property
    def solved_by(self) -> str:
        """`solver`, for a method that needs one."""
        if self.solver is None:
            raise InputError("name a solver; `Method.solvers` lists them.")
        return self.solver
