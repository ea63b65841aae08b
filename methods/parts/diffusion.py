"""Denoising diffusion, shared by its users: noise schedule, training objective, DDIM and DDPM sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ...symmflow.errors import InputError
from ...symmflow.recipe import Table
from ..does import YES, Support, no
from ..sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor

    from ...symmflow.noise import Draws

SAMPLERS = ("ddim", "ddpm")
Spacing = Literal["trailing", "leading", "linspace"]


class DiffusionOptions(Table):
    """`[options]` of a diffusion recipe: the noise schedule (diffusers' names)."""

    schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 0.02
    timesteps: Annotated[int, Field(ge=2)] = 1000
    clip: bool = False
    """Keep the predicted clean signal in [-1, 1] while sampling: usual for pixels, not for latents."""


class DiffusionInference(Table):
    """What `bench run --set` may change of a diffusion sampler."""

    spacing: Spacing = "trailing"
    """Where a few steps lie among the timesteps (diffusers' names): see `grid`."""


def samplable(steps: int | None, timesteps: int) -> Support:
    """Whether a sampler can take so many steps: each visits a timestep of its own."""
    if (steps or 0) > timesteps:
        return no(f"{steps} steps are more than the diffusion's {timesteps:,} timesteps")
    return YES


def grid(spacing: Spacing, steps: int, timesteps: int) -> list[int]:
    """The timesteps that a sampler of `steps` steps visits, descending (Lin et al. 2024, Table 2).

    `trailing` begins at the last timestep, which is where the noise that sampling starts from belongs; `leading`,
    diffusers' default, ends at the first and begins a stride below the last; `linspace` has both ends. A sampler goes
    from each to the next; diffusers' DDIM goes down by timesteps // steps whatever the grid, and so lies between two
    noise levels at two steps of `linspace`.
    """
    import numpy as np

    if not 1 <= steps <= timesteps:
        raise InputError(f"{steps} steps do not fit the {timesteps} timesteps of the diffusion; choose 1-{timesteps}.")
    if spacing == "trailing":
        return [(timesteps * (steps - i) + steps // 2) // steps - 1 for i in range(steps)]
    if spacing == "leading":
        return [i * (timesteps // steps) for i in reversed(range(steps))]
    return [int(k) for k in np.linspace(0, timesteps - 1, steps).round()[::-1]]


class Diffusion:
    """x_k = sqrt(a_k) x + sqrt(1 - a_k) noise for timesteps k = 0 ... T - 1 (Ho et al. 2020)."""

    def __init__(self, options: DiffusionOptions) -> None:
        from diffusers import DDPMScheduler

        self.timesteps, self.clip = options.timesteps, options.clip
        self._betas: dict[str, Any] = {
            "num_train_timesteps": options.timesteps,
            "beta_schedule": options.schedule,
            "beta_start": options.beta_start,
            "beta_end": options.beta_end,
        }
        self._scheduler: Any = DDPMScheduler(**self._betas)

    def noised(self, x: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x, noise: [B, ...]; timesteps: [B], int64."""
        return self._scheduler.add_noise(x, noise, timesteps)

    def time(self, timesteps: Tensor) -> Tensor:
        """The network's t in [0, 1) of integer timesteps."""
        return timesteps.float() / self.timesteps

    def noise_of_velocity(self, v: Tensor, z: Tensor, timesteps: Tensor) -> Tensor:
        """The noise that a predicted v = sqrt(a) noise - sqrt(1 - a) x tells of the state z (Salimans and Ho 2022)."""
        a = self._scheduler.alphas_cumprod.to(z.device)[timesteps].reshape(-1, *[1] * (z.dim() - 1))
        return a.sqrt() * v + (1 - a).sqrt() * z

    def loss(self, predict: Callable[[Tensor, Tensor], Tensor], x: Tensor, noise: Tensor, draws: Draws) -> Tensor:
        """Squared error of the predicted noise, timesteps uniform."""
        from torch.nn.functional import mse_loss

        k = (draws.uniform((), "t") * self.timesteps).long().clamp(max=self.timesteps - 1).to(x.device)
        return mse_loss(predict(self.noised(x, noise, k), self.time(k)).float(), noise)

    def samples(
        self,
        predict: Callable[[Tensor, Tensor], Tensor],
        start: Tensor,
        sampling: Sampling,
        spacing: Spacing = "trailing",
    ) -> Iterator[Tensor]:
        """Denoise `start` (standard normal, [B, ...]), each time in exactly as many network evaluations as steps.

        `ddim` (Song et al. 2021, eta = 0) is the first-order DPM-Solver++ and `ddpm` (ancestral, small variance) its
        SDE form (Lu et al. 2022); diffusers' own DDIM steps assume an even stride, which most step counts do not have.
        """
        for steps in sampling.counts:
            yield self._sample(predict, start, sampling, grid(spacing, steps, self.timesteps))

    def _sample(
        self, predict: Callable[[Tensor, Tensor], Tensor], start: Tensor, sampling: Sampling, visited: Sequence[int]
    ) -> Tensor:
        import torch
        from diffusers import DPMSolverMultistepScheduler

        stochastic, trace = sampling.solved_by == "ddpm", sampling.trace
        scheduler: Any = DPMSolverMultistepScheduler(
            **self._betas,
            algorithm_type="sde-dpmsolver++" if stochastic else "dpmsolver++",
            solver_order=1,
            final_sigmas_type="zero",
        )
        scheduler.set_timesteps(timesteps=list(visited))
        state = start
        if trace:
            trace(1.0, state)
        for i, timestep in enumerate(scheduler.timesteps):
            k = torch.full((len(state),), int(timestep), device=state.device)
            fresh = None
            if stochastic:
                fresh = sampling.noise.normal(state.shape[1:], f"ddpm/{i}", sampling.draw).to(state.device)
            eps = predict(state, self.time(k)).float()
            if self.clip:
                a = float(self._scheduler.alphas_cumprod[int(timestep)])
                clean = ((state - (1 - a) ** 0.5 * eps) / a**0.5).clamp(-1, 1)
                eps = (state - a**0.5 * clean) / (1 - a) ** 0.5
            state = scheduler.step(eps, timestep, state, variance_noise=fresh)[0]
            if trace:
                trace((visited[i + 1] + 1) / self.timesteps if i + 1 < len(visited) else 0.0, state)
        return state
