"""Diffusion: samplers against diffusers and closed forms."""

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from symmbench.methods import Sampling
from symmbench.methods.parts.diffusion import Diffusion, DiffusionOptions
from symmbench.symmflow.noise import Draws

IDS = [f"s{i}" for i in range(4)]


def bent(z: Tensor, t: Tensor) -> Tensor:
    return torch.tanh(z) * (0.5 + t.reshape(-1, 1))


@pytest.mark.parametrize("schedule", ["linear", "scaled_linear", "squaredcos_cap_v2"])
@pytest.mark.parametrize("steps", [2, 5, 25, 200])
def test_ddim_is_that_of_diffusers_where_the_stride_is_even(schedule: str, steps: int) -> None:
    diffusion = Diffusion(DiffusionOptions(schedule=schedule))  # type: ignore[arg-type]
    theirs = DDIMScheduler(
        beta_schedule=schedule, beta_start=1e-4, beta_end=0.02, clip_sample=False, timestep_spacing="trailing"
    )
    theirs.set_timesteps(steps)
    start = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).float()
    ours = next(diffusion.samples(bent, start, Sampling(Draws(0, IDS), (steps,), "ddim")))
    state = start
    for k in theirs.timesteps:
        state = theirs.step(bent(state, torch.full((4,), k / 1000)), k, state).prev_sample
    # squaredcos ends at an almost infinite noise level, where float32 loses digits
    torch.testing.assert_close(ours, state, rtol=2e-3, atol=2e-3)


def test_ddpm_takes_the_posterior_of_ho_et_al() -> None:
    diffusion, draws = Diffusion(DiffusionOptions()), Draws(0, IDS)
    a = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    start = draws.normal((3,), "start")
    states: list[Tensor] = []
    next(diffusion.samples(bent, start, Sampling(draws, (4,), "ddpm", trace=lambda t, z: states.append(z))))
    grid = [999, 749, 499, 249]
    for i, (k, before, after) in enumerate(zip(grid, states, states[1:], strict=False)):
        a_t, a_s = a[k], a[grid[i + 1]] if i < 3 else torch.tensor(1.0, dtype=torch.float64)
        eps = bent(before, torch.full((4,), k / 1000)).double()
        x = (before.double() - (1 - a_t).sqrt() * eps) / a_t.sqrt()
        step = a_t / a_s  # alpha of the whole stride
        mean = a_s.sqrt() * (1 - step) / (1 - a_t) * x + step.sqrt() * (1 - a_s) / (1 - a_t) * before.double()
        deviation = ((1 - a_s) / (1 - a_t) * (1 - step)).sqrt()
        expected = mean + deviation * draws.normal((3,), f"ddpm/{i}").double()
        torch.testing.assert_close(after.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("solver", ["ddim", "ddpm"])
def test_samplers_turn_noise_into_the_data_of_a_gaussian(solver: str) -> None:
    """For x ~ N(0, s^2) the best prediction of the noise is linear in the state, so the sampled deviation must be s."""
    diffusion, spread = Diffusion(DiffusionOptions()), 0.4
    a = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)

    def best(z: Tensor, t: Tensor) -> Tensor:
        at = a[(t * 1000).round().long()].reshape(-1, 1)
        return (1 - at).sqrt() * z / (at * spread**2 + 1 - at)

    ids = [str(i) for i in range(500)]
    start = Draws(0, ids).normal((8,), "x")
    out = next(diffusion.samples(best, start, Sampling(Draws(0, ids), (250,), solver)))
    assert float(out.std()) == pytest.approx(spread, rel=0.04)


@pytest.mark.parametrize("solver", ["ddim", "ddpm"])
def test_every_step_count_takes_exactly_that_many_evaluations(solver: str) -> None:
    diffusion, calls = Diffusion(DiffusionOptions()), 0

    def field(z: Tensor, t: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        assert (t >= 0).all() and (t < 1).all()
        return z

    for steps in (*range(1, 201), 999, 1000):
        calls = 0
        next(diffusion.samples(field, torch.zeros(1, 1), Sampling(Draws(0, ["a"]), (steps,), solver)))
        assert calls == steps


def test_noise_of_a_velocity() -> None:
    diffusion = Diffusion(DiffusionOptions())
    x, noise, k = torch.randn(5, 2), torch.randn(5, 2), torch.tensor([0, 10, 500, 900, 999])
    a = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)[k].reshape(-1, 1)
    z = diffusion.noised(x, noise, k)
    torch.testing.assert_close(diffusion.noise_of_velocity(a.sqrt() * noise - (1 - a).sqrt() * x, z, k), noise)
