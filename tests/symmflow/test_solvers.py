import math

import pytest
import torch
from torch import nn

from symmbench.bench.run.cost import EvaluationCounter
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.solvers import ADAPTIVE, EVALUATIONS_PER_STEP, Steps, integrate


def decay(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """dz/dt = -z: z(1) = z(0) / e."""
    return -z


class Field(nn.Module):
    def forward(self, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return -z * t[:, None]


def test_nfe_is_exactly_n_for_every_n() -> None:
    field = Field()
    for steps in range(1, 201):
        counter = EvaluationCounter()
        with counter.watch([field]):
            integrate(field, torch.ones(3, 2), start=1.0, end=0.0, steps=steps)
        assert counter.rows == 3 * steps


@pytest.mark.parametrize("solver", list(EVALUATIONS_PER_STEP))
def test_nfe_of_every_solver(solver: str) -> None:
    field, counter = Field(), EvaluationCounter()
    with counter.watch([field]):
        integrate(field, torch.ones(1, 2), start=0.0, end=1.0, steps=7, solver=solver)
    assert counter.rows == 7 * EVALUATIONS_PER_STEP[solver]


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4)])
def test_order_of_convergence(solver: str, order: int) -> None:
    start = torch.ones(1, 1, dtype=torch.float64)

    def error(steps: int) -> float:
        end = integrate(decay, start, start=0.0, end=1.0, steps=steps, solver=solver)
        return abs(end.item() - math.exp(-1))

    measured = math.log2(error(8) / error(16))
    assert measured == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun", "rk4", "dopri5"])
def test_constant_velocity_is_exact_in_one_step_both_ways(solver: str) -> None:
    z, v = torch.randn(4, 3), torch.randn(4, 3)
    steps: Steps = "adaptive" if solver in ADAPTIVE else 1
    there = integrate(lambda z, t: v[: len(z)], z[:1], start=0.0, end=1.0, steps=steps, solver=solver)
    back = integrate(lambda z, t: v[: len(z)], there, start=1.0, end=0.0, steps=steps, solver=solver)
    assert torch.allclose(there, z[:1] + v[:1], atol=1e-5) and torch.allclose(back, z[:1], atol=1e-5)


def test_adaptive_meets_its_tolerance_and_does_not_mix_samples() -> None:
    def stiff(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return -z * (1 + 20 * (z.abs() > 1.5))

    z = torch.tensor([[1.0], [2.0]])
    both = integrate(stiff, z, start=0.0, end=1.0, steps="adaptive", solver="dopri5")
    alone = integrate(stiff, z[:1], start=0.0, end=1.0, steps="adaptive", solver="dopri5")
    assert both[0].item() == pytest.approx(math.exp(-1), rel=1e-4)
    assert torch.equal(both[:1], alone)


def test_time_is_a_batch_and_the_grid_is_uniform() -> None:
    seen = []

    def record(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        assert t.shape == (5,)
        seen.append(t[0].item())
        return torch.zeros_like(z)

    integrate(record, torch.zeros(5, 2), start=1.0, end=0.0, steps=4)
    assert seen == [1.0, 0.75, 0.5, 0.25]


def test_trace_sees_every_state() -> None:
    states: list[tuple[float, float]] = []
    integrate(decay, torch.ones(1), start=0.0, end=1.0, steps=2, trace=lambda t, z: states.append((t, z.item())))
    assert states == [(0.0, 1.0), (0.5, 0.5), (1.0, 0.25)]


@pytest.mark.parametrize("steps", [0, -1, 2.5, None, True, "adaptive"])
def test_impossible_step_counts_are_refused(steps: object) -> None:
    with pytest.raises(InputError, match="whole number"):
        integrate(decay, torch.ones(1), start=0.0, end=1.0, steps=steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [5, None])
def test_an_adaptive_solver_takes_no_number_of_steps(steps: object) -> None:
    with pytest.raises(InputError, match="chooses its own steps"):
        integrate(decay, torch.ones(1), start=0.0, end=1.0, steps=steps, solver="dopri5")  # type: ignore[arg-type]


def test_unknown_solver_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'heun'"):
        integrate(decay, torch.ones(1), start=0.0, end=1.0, steps=1, solver="heunn")
