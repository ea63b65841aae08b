"""Diffusion: samplers against diffusers and closed forms, the staged classifier against brute force."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symmbench.methods.diffusion_classifier import Stages, noise_errors, staged
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
    ours = diffusion.sample(bent, start, steps=steps, solver="ddim", noise=Draws(0, IDS))
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
    diffusion.sample(bent, start, steps=4, solver="ddpm", noise=draws, trace=lambda t, z: states.append(z))
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
    out = diffusion.sample(best, start, steps=250, solver=solver, noise=Draws(0, ids))
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
        diffusion.sample(field, torch.zeros(1, 1), steps=steps, solver=solver, noise=Draws(0, ["a"]))
        assert calls == steps


def test_noise_of_a_velocity() -> None:
    diffusion = Diffusion(DiffusionOptions())
    x, noise, k = torch.randn(5, 2), torch.randn(5, 2), torch.tensor([0, 10, 500, 900, 999])
    a = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)[k].reshape(-1, 1)
    z = diffusion.noised(x, noise, k)
    torch.testing.assert_close(diffusion.noise_of_velocity(a.sqrt() * noise - (1 - a).sqrt() * x, z, k), noise)


def test_stages_of_the_paper_take_2750_evaluations() -> None:
    plan = Stages().within(2750, 10)
    assert [(classes, len(tried)) for classes, tried in plan] == [(10, 50), (5, 450)]
    assert Stages().evaluations(2750, 10) == 10 * 50 + 5 * 450
    tried = sorted(k for _, grid in plan for k in grid)
    assert len(set(tried)) == 500 and set(np.diff(tried)) == {2}  # evenly spaced, each once
    assert Stages().within(9, 10) == ()


@given(
    st.integers(1, 4000), st.integers(2, 40), st.sampled_from([Stages(), Stages(keep=(7, 3, 1), samples=(2, 9, 40))])
)
@settings(max_examples=60, deadline=None)
def test_stages_never_exceed_their_budget(budget: int, classes: int, stages: Stages) -> None:
    plan = stages.within(budget, classes)
    assert bool(plan) == (budget >= classes)
    assert sum(c * len(tried) for c, tried in plan) <= budget
    tried = [k for _, grid in plan for k in grid]
    assert len(tried) == len(set(tried)) and all(0 <= k < 1000 for k in tried)


def test_staged_elimination_against_brute_force() -> None:
    table = torch.rand(6, 10, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    asked = 0

    def errors(classes: Tensor, timesteps: Sequence[int]) -> Tensor:
        nonlocal asked
        asked += classes.shape[1] * len(timesteps)
        return torch.stack([table[i, c][:, timesteps].sum(1) for i, c in enumerate(classes)])

    plan = Stages(keep=(4, 1), samples=(5, 50)).within(1000, 10)
    scores = staged(errors, 6, 10, plan)
    assert asked == sum(classes * len(tried) for classes, tried in plan)
    first, every = list(plan[0][1]), sorted(plan[0][1] + plan[1][1])
    for i in range(6):
        early = table[i][:, first].mean(1)
        kept = early.argsort()[:4]
        final = table[i][:, every].mean(1)
        assert int(scores[i].argmax()) == int(kept[final[kept].argmin()])
        torch.testing.assert_close(scores[i, kept], -final[kept])
        dropped = sorted(set(range(10)) - set(kept.tolist()), key=lambda c: float(early[c]))
        order = scores[i].argsort(descending=True).tolist()
        assert order[4:] == dropped  # below all that were kept, in the order of the stage that dropped them


def test_errors_share_one_noise_over_classes_and_do_not_depend_on_the_batch() -> None:
    diffusion, draws = Diffusion(DiffusionOptions()), Draws(3, IDS)
    x = torch.rand(4, 1, 4, 4) * 2 - 1

    def predict(z: Tensor, k: Tensor, classes: Tensor) -> Tensor:
        return z * (classes + 1).reshape(-1, 1, 1, 1) / 10 + (k / 1000).reshape(-1, 1, 1, 1)

    classes = torch.tensor([[0, 1, 2], [2, 1, 0], [5, 6, 7], [9, 0, 3]])
    timesteps = [5, 500, 995]
    for kind in ("l1", "l2"):
        found = noise_errors(predict, x, diffusion, draws, kind)(classes, timesteps)
        for i in range(4):
            for j, c in enumerate(classes[i]):
                total = 0.0
                for k in timesteps:
                    at = torch.tensor([k])
                    noise = draws.normal((1, 4, 4), f"eps/{k}")[i : i + 1]
                    off = predict(diffusion.noised(x[i : i + 1], noise, at), at, c.reshape(1)) - noise
                    total += float((off.abs() if kind == "l1" else off.square()).mean())
                assert float(found[i, j]) == pytest.approx(total, rel=1e-5)
        alone = noise_errors(predict, x[2:3], diffusion, Draws(3, IDS[2:3]), kind)(classes[2:3], timesteps)
        torch.testing.assert_close(alone, found[2:3])
