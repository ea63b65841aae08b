"""FM: plain flow matching from noise to images, told the mask or the class: the measure of what symmetry costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.recipe import Recipe
from .base import Method
from .does import Synthesize
from .parts.conditioning import conditional_network, mask_codec, told
from .parts.latents import image_codec, in_space
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.labels import Codec
    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective


@dataclass(frozen=True)
class FlowMatchingObjective:
    """Squared error of the velocity v = x - noise on x_t = (1 - t) noise + t x, t ~ U(0, 1)."""

    codec: Codec | None
    """Of masks; None for classes."""

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, C, H, W] in [-1, 1]; labels: class ids [B, H, W] or [B]."""
        from torch.nn.functional import mse_loss

        from ..symmflow.path import along

        noise = draws.normal(images.shape[1:], "x").to(images.device)
        t = draws.uniform((), "t").to(images.device)
        s = along(t, images)
        predicted = told(network, labels, self.codec, images.shape[2:])((1 - s) * noise + s * images, t)
        loss = mse_loss(predicted.float(), images - noise)
        return loss, {"mse": loss.detach()}


class FlowMatching(Method):
    """Synthesis by a conditional flow; the network of SymmFlow with half of its output."""

    name = "fm"
    title = "Conditional flow matching"
    source = "Lipman et al., Flow Matching for Generative Modeling, 2023"
    tasks = (Synthesize(),)
    latents = True

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        super().__init__(network, recipe, card)
        self.codec = mask_codec(recipe, card, self.images)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        return conditional_network(recipe, card)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        images = image_codec(recipe.latents)
        return in_space(FlowMatchingObjective(mask_codec(recipe, card, images)), images, recipe.latents)

    def synthesize(self, semantics: Tensor, sampling: Sampling) -> Iterator[Tensor]:
        import torch

        from ..symmflow.solvers import integrate

        start = sampling.noise.normal(self.images.shape(self.card.shape), "x", sampling.draw).to(semantics.device)
        solver, trace = sampling.solved_by, sampling.trace
        for steps in sampling.steps:
            size = 1 if steps == "adaptive" else len(start)  # adaptive: each sample, and its label, alone
            ends = []
            for z, labels in zip(start.split(size), semantics.split(size), strict=True):
                field = told(self.net, labels, self.codec, z.shape[2:])
                ends.append(integrate(field, z, start=0.0, end=1.0, steps=steps, solver=solver, trace=trace))
            yield self.images.decode(torch.cat(ends)).clamp(-1, 1)

    def picture(self, state: Tensor, *, image: bool) -> Tensor | None:
        return self.images.decode(state)
