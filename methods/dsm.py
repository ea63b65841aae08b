"""DSM: the diffusion segmentation model, SemFlow's own baseline: masks denoised beside the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.recipe import Recipe
from .base import Method, Segmentation
from .does import YES, Does, Segment, Support, no
from .parts.diffusion import SAMPLERS, Diffusion, DiffusionInference, DiffusionOptions, samplable
from .parts.labels import label_codec
from .parts.latents import image_codec, in_space, space
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.labels import Codec
    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective


@dataclass(frozen=True)
class DSMObjective:
    """Squared error of the noise in a noisy (dequantised) mask, the image beside it in the channels."""

    codec: Codec
    diffusion: Diffusion

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, C, H, W] in [-1, 1]; labels: class ids [B, H, W]."""
        from ..symmflow.path import join

        clean = self.codec.encode(labels, tuple(images.shape[2:]))
        masks = self.codec.dequantize(clean, draws.uniform(clean.shape[1:], "dequantize").to(images.device))
        noise = draws.normal(masks.shape[1:], "y").to(images.device)
        loss = self.diffusion.loss(lambda y, t: network(join(y, images), t), masks, noise, draws)
        return loss, {"mse": loss.detach()}


class DSM(Method):
    """Segmentation by DDIM or DDPM; the result varies with the seed."""

    name = "dsm"
    title = "Diffusion segmentation model"
    source = "Wang et al., SemFlow, 2024, its baseline"
    tasks = (Segment(SAMPLERS, any_size=True),)
    Options = DiffusionOptions
    latents = True
    Inference = DiffusionInference

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        super().__init__(network, recipe, card)
        self.codec = label_codec(recipe.labels, card, self.images)
        self.diffusion = Diffusion(self.options_of(recipe))

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        return no("from pure noise one step gives no mask; DSM takes two or more") if steps == 1 else YES

    @classmethod
    def allows(cls, recipe: Recipe, does: Does, steps: int | None) -> Support:
        return samplable(steps, cls.options_of(recipe).timesteps)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import build_network

        own, *size = space(recipe, card)
        masks = label_codec(recipe.labels, card, image_codec(recipe.latents)).channels
        return build_network(recipe.network, in_channels=masks + own, out_channels=masks, size=size)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        images = image_codec(recipe.latents)
        objective = DSMObjective(label_codec(recipe.labels, card, images), Diffusion(cls.options_of(recipe)))
        return in_space(objective, images, recipe.latents)

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        from ..symmflow.path import join

        images = self.images.encode(images)
        start = sampling.noise.normal((self.codec.channels, *images.shape[2:]), "y").to(images.device)
        spacing = self.inference.spacing
        for signal in self.diffusion.samples(lambda y, t: self.net(join(y, images), t), start, sampling, spacing):
            yield Segmentation(self.codec.decode(signal))

    def picture(self, state: Tensor, *, image: bool) -> Tensor | None:
        return self.images.decode(state)
