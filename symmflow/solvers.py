"""ODE solvers on an integer number of steps. Fixed grids are our own few lines; the adaptive one is torchdiffeq's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from .errors import InputError, unknown

if TYPE_CHECKING:
    from torch import Tensor

Velocity = Callable[["Tensor", "Tensor"], "Tensor"]
"""(state [B, ...], t [B]) -> d state / dt [B, ...]."""
Steps = int | Literal["adaptive"]
"""Equal steps, or as many as an adaptive solver chooses."""
Trace = Callable[[float, "Tensor"], None]
"""Called with (t, state) at the start and after every step."""

EVALUATIONS_PER_STEP = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4}
ADAPTIVE = ("dopri5",)
SOLVERS = (*EVALUATIONS_PER_STEP, *ADAPTIVE)


def integrate(
    velocity: Velocity,
    state: Tensor,
    *,
    start: float,
    end: float,
    steps: Steps,
    solver: str = "euler",
    trace: Trace | None = None,
    tolerance: float = 1e-5,
) -> Tensor:
    """Integrate d state / dt = velocity from t = `start` to t = `end`.

    Fixed-grid solvers take exactly `steps` equal steps; the grid is built from the integer, never from 1 / steps.
    `dopri5` (the papers' RK45, `steps` = "adaptive") chooses its own to `tolerance` (absolute and relative); it takes
    each sample alone, because a step size shared by a batch would make a result depend on its neighbours.
    """
    check(solver, steps)
    if steps == "adaptive":
        return _adaptive(velocity, state, start, end, tolerance, trace)
    advance = _STEPS[solver]
    grid = [start + (end - start) * i / steps for i in range(steps + 1)]
    if trace:
        trace(grid[0], state)
    for t0, t1 in pairwise(grid):
        state = advance(velocity, state, t0, t1 - t0)
        if trace:
            trace(t1, state)
    return state


def check(solver: str, steps: Steps) -> None:
    """Refuse a solver that does not exist and steps that it cannot take."""
    if solver not in SOLVERS:
        raise unknown("solver", solver, SOLVERS)
    if solver in ADAPTIVE:
        if steps != "adaptive":
            raise InputError(f"{solver} chooses its own steps; give steps = 'adaptive', not {steps!r}.")
    elif isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps must be a whole number of at least 1 for {solver}, not {steps!r}.")


def _at(t: float, state: Tensor) -> Tensor:
    return state.new_full((len(state),), t)


def euler(v: Velocity, z: Tensor, t: float, h: float) -> Tensor:
    """z + h v(z, t)."""
    return z + h * v(z, _at(t, z))


def midpoint(v: Velocity, z: Tensor, t: float, h: float) -> Tensor:
    """Second order: the velocity half a step ahead."""
    return z + h * v(z + h / 2 * v(z, _at(t, z)), _at(t + h / 2, z))


def heun(v: Velocity, z: Tensor, t: float, h: float) -> Tensor:
    """Second order: the mean of both ends (explicit trapezoid; two evaluations in the last step too)."""
    first = v(z, _at(t, z))
    return z + h / 2 * (first + v(z + h * first, _at(t + h, z)))


def rk4(v: Velocity, z: Tensor, t: float, h: float) -> Tensor:
    """The classical Runge-Kutta method of fourth order."""
    k1 = v(z, _at(t, z))
    k2 = v(z + h / 2 * k1, _at(t + h / 2, z))
    k3 = v(z + h / 2 * k2, _at(t + h / 2, z))
    k4 = v(z + h * k3, _at(t + h, z))
    return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


_STEPS = {"euler": euler, "midpoint": midpoint, "heun": heun, "rk4": rk4}


def _adaptive(
    velocity: Velocity, state: Tensor, start: float, end: float, tolerance: float, trace: Trace | None
) -> Tensor:
    from torchdiffeq import odeint

    if trace:
        trace(start, state)
    times = state.new_tensor([start, end])

    def field(t: Tensor, z: Tensor) -> Tensor:
        return velocity(z, t.expand(len(z)))

    out = state.clone()
    for i in range(len(state)):
        out[i] = odeint(field, state[i : i + 1], times, rtol=tolerance, atol=tolerance, method="dopri5")[-1, 0]
    if trace:
        trace(end, out)
    return out
