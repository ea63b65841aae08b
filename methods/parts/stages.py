"""Classification by how well each class predicts the noise, in stages: the best few classes go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from ...datasets import Card
from ...symmflow.recipe import Table
from ..base import Classification
from ..does import YES, Support, no
from ..sampling import Sampling
from .diffusion import Diffusion

if TYPE_CHECKING:
    from torch import Tensor

    from ...symmflow.noise import Draws

ROWS = 2048
"""Network evaluations a call at most: images, classes and timesteps of a batch together, so that the device is full."""

Positive = Annotated[int, Field(ge=1)]
Plan = tuple[tuple[int, tuple[int, ...]], ...]
"""(classes that enter, timesteps they are tried at) a stage."""


class Stages(Table):
    """What `bench run --set` may change: the staged evaluation and the error.

    The defaults are the paper's for CIFAR-10: 50 timesteps for every class, then the best five go on to 500, which
    makes 10 * 50 + 5 * 450 = 2,750 evaluations an image, by the mean absolute error (l1; on other data the paper takes
    the squared one, l2).
    """

    keep: Annotated[tuple[Positive, ...], Field(min_length=1)] = (5, 1)
    """Classes kept after each stage; the last is one."""
    samples: tuple[Positive, ...] = (50, 500)
    """Timesteps a class by the end of each stage."""
    error: Literal["l1", "l2"] = "l1"

    @model_validator(mode="after")
    def _fit(self) -> Stages:
        if len(self.keep) != len(self.samples):
            raise ValueError("keep and samples must have one entry a stage")
        if any(b > a for a, b in pairwise(self.keep)) or self.keep[-1] != 1:
            raise ValueError("keep must fall and end with 1")
        if any(b <= a for a, b in pairwise(self.samples)):
            raise ValueError("samples must rise")
        return self

    def within(self, budget: int, num_classes: int, timesteps: int) -> Plan:
        """The stages scaled to at most `budget` evaluations: ((classes that enter, timesteps they are tried at), ...).

        Every class is tried once at the least, so `budget` must be `num_classes` or more. Timesteps of a stage are
        spread evenly over all of them and those of earlier stages are not tried again; grids need not nest, so the
        evaluations are counted, not computed from `samples`.
        """
        return _within(self, budget, num_classes, timesteps)

    def full(self, num_classes: int, timesteps: int) -> int:
        """Evaluations an image when every stage has all its samples, as far as there are timesteps."""
        finest = min(self.samples[-1], timesteps)
        return sum(classes * len(tried) for classes, tried in _scaled(self, finest, num_classes, timesteps))

    def evaluations(self, budget: int, num_classes: int, timesteps: int) -> int:
        """How many network evaluations a budget really takes."""
        return sum(classes * len(tried) for classes, tried in self.within(budget, num_classes, timesteps))


@lru_cache(maxsize=256)
def _within(stages: Stages, budget: int, num_classes: int, timesteps: int) -> Plan:
    best: Plan = ()
    for finest in range(1, min(timesteps, budget) + 1):
        plan = _scaled(stages, finest, num_classes, timesteps)
        if sum(classes * len(tried) for classes, tried in plan) <= budget:  # not monotone with three stages
            best = plan
    return best


def _scaled(stages: Stages, finest: int, num_classes: int, timesteps: int) -> Plan:
    plan, done = [], set[int]()
    classes = num_classes
    for samples, keep in zip(stages.samples, stages.keep, strict=True):
        count = max(1, samples * finest // stages.samples[-1])
        grid = {(2 * i + 1) * finest // (2 * count) for i in range(count)}  # of the finest grid's points
        plan.append((classes, tuple(sorted((2 * i + 1) * timesteps // (2 * finest) for i in grid - done))))
        done |= grid
        classes = min(classes, keep)
    return tuple(plan)


def staged(errors: Callable[[Tensor, Sequence[int]], Tensor], images: int, num_classes: int, plan: Plan) -> Tensor:
    """Scores [B, K] by staged elimination; the highest is the answer.

    `errors(classes [B, k], timesteps)`: the error of each candidate summed over timesteps, float64 [B, k]. The score
    of the classes that reach the end is minus their mean error. One that was dropped lies below all of them by as much
    as it lay behind the last one kept when it was dropped, so that scores order the classes as the stages did.
    """
    import torch

    total = torch.zeros(images, num_classes, dtype=torch.float64)
    tried = 0
    alive = torch.arange(num_classes).expand(images, -1)  # [B, k], best first after the first stage
    dropped: list[tuple[Tensor, Tensor, Tensor]] = []  # classes, their means, the mean of the last one kept
    for classes, timesteps in plan:
        if classes < alive.shape[1]:
            means = total.gather(1, alive) / tried
            order = means.argsort(dim=1, stable=True)
            means, alive = means.gather(1, order), alive.gather(1, order)
            dropped.append((alive[:, classes:], means[:, classes:], means[:, classes - 1 : classes]))
            alive = alive[:, :classes]
        if timesteps:
            total.scatter_add_(1, alive, errors(alive, timesteps))
        tried += len(timesteps)
    scores = torch.empty_like(total)
    last = -(total.gather(1, alive) / tried)
    scores.scatter_(1, alive, last)
    floor = last.min(dim=1, keepdim=True).values
    for classes_out, means, kept in reversed(dropped):
        behind = floor - (means - kept)
        scores.scatter_(1, classes_out, behind)
        floor = behind.min(dim=1, keepdim=True).values
    return scores


def noise_errors(
    predict: Callable[[Tensor, Tensor, Tensor], Tensor],
    x: Tensor,
    diffusion: Diffusion,
    draws: Draws,
    error: str,
    rows: int = ROWS,
) -> Callable[[Tensor, Sequence[int]], Tensor]:
    """The `errors` of `staged`: how badly `predict(x_k [R, ...], timesteps [R], classes [R])` tells the noise.

    x: [B, ...]. One noise an image and timestep, shared by all classes (Diffusion Classifier eq. 7).
    """
    import torch

    def errors(classes: Tensor, timesteps: Sequence[int]) -> Tensor:
        images, candidates = classes.shape
        at_once = max(1, rows // (images * candidates))
        total = torch.zeros(images, candidates, dtype=torch.float64)
        for first in range(0, len(timesteps), at_once):
            chunk = timesteps[first : first + at_once]
            noise = torch.stack([draws.normal(x.shape[1:], f"eps/{k}") for k in chunk]).to(x.device)  # [m, B, ...]
            k = torch.tensor(chunk, device=x.device).repeat_interleave(images)  # [m B]
            noisy = diffusion.noised(x.repeat(len(chunk), *[1] * (x.dim() - 1)), noise.flatten(0, 1), k)
            parts = [r.repeat_interleave(candidates, dim=0) for r in (noisy, k, noise.flatten(0, 1))]  # [m B k, ...]
            given = classes.to(x.device).repeat(len(chunk), 1).flatten()
            found = []
            for z, at, target, c in zip(*(r.split(rows) for r in (*parts, given)), strict=True):
                off = predict(z, at, c).float() - target
                found.append((off.abs() if error == "l1" else off.square()).flatten(1).mean(dim=1))
            total += torch.cat(found).reshape(len(chunk), images, candidates).double().sum(dim=0).cpu()
        return total

    return errors


def enough(steps: int | None, num_classes: int) -> Support:
    """Whether a budget of evaluations tries every class."""
    if steps is not None and steps < num_classes:
        return no(f"{num_classes} classes take {num_classes} network evaluations or more")
    return YES


def by_stages(
    predict: Callable[[Tensor, Tensor, Tensor], Tensor],
    x: Tensor,
    diffusion: Diffusion,
    card: Card,
    stages: Stages,
    sampling: Sampling,
    rows: int = ROWS,
) -> Iterator[Classification]:
    """One classification of x, [B, ...], a budget of evaluations; `predict` as for `noise_errors`."""
    errors = noise_errors(predict, x, diffusion, sampling.noise, stages.error, rows)
    for budget in sampling.counts:
        plan = stages.within(budget, len(card.classes), diffusion.timesteps)
        scores = staged(errors, len(x), len(card.classes), plan).float()
        yield Classification(scores.argmax(dim=1), scores, scale="minus mean error of the predicted noise")
