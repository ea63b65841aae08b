"""SemFlow: a rectified flow between images and pseudo masks; one network, run either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..datasets import Card
from ..symmflow.errors import InputError
from ..symmflow.pixels import UNIT
from ..symmflow.recipe import Recipe, Table
from .base import Method, Segmentation
from .does import Segment, Synthesize
from .parts.labels import label_codec
from .parts.latents import image_codec, in_space
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.labels import Codec
    from ..symmflow.latents import ImageCodec
    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective


class SemFlowOptions(Table):
    """`[options]` of a SemFlow recipe."""

    perturb: bool = True
    """Add uniform noise in +-labels.beta to the pseudo masks in training (the paper's Figure 4 is without)."""
    reverse_time: bool = False
    """The mask at t = 0 and the image at t = 1, as the SymmFlow authors retrained it; the paper has the image at 0."""


class SemFlowInference(Table):
    """What `bench run --set` may change."""

    beta: Annotated[float, Field(ge=0)] | None = None
    """Half width of the perturbation before synthesis, 0-255 units (the paper's beta'); None = as in training."""


@dataclass(frozen=True)
class SemFlowObjective:
    """Squared error of v = z_1 - z_0 on z_t = (1 - t) z_0 + t z_1, t ~ U(0, 1); z_0 the image, z_1 the mask."""

    codec: Codec
    options: SemFlowOptions

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, C, H, W] in [-1, 1]; labels: class ids [B, H, W]."""
        from torch.nn.functional import mse_loss

        from ..symmflow.path import along

        clean = self.codec.encode(labels, tuple(images.shape[2:]))
        if self.options.perturb:
            masks = self.codec.dequantize(clean, draws.uniform(clean.shape[1:], "dequantize").to(images.device))
        else:
            masks = self.codec.to_signal(clean)
        z_0, z_1 = (masks, images) if self.options.reverse_time else (images, masks)
        t = draws.uniform((), "t").to(images.device)
        s = along(t, z_0)
        loss = mse_loss(network((1 - s) * z_0 + s * z_1, t).float(), z_1 - z_0)
        return loss, {"mse": loss.detach()}


class SemFlow(Method):
    """Segmentation is deterministic; a synthesis varies with the perturbation of its mask alone.

    Without perturbation in training there is none before synthesis either, and every mask has one image.
    """

    name = "semflow"
    title = "SemFlow: rectified flow between images and masks"
    source = "Wang et al., SemFlow: Binding Semantic Segmentation and Image Synthesis via Rectified Flow, 2024"
    tasks = (Segment(options=(), any_size=True), Synthesize(options=("beta",), labels="masks"))
    Options = SemFlowOptions
    latents = True
    Inference = SemFlowInference

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        super().__init__(network, recipe, card)
        self.codec = _codec(recipe, card, self.images)
        self.options: SemFlowOptions = self.options_of(recipe)
        self.image_end, self.mask_end = (1.0, 0.0) if self.options.reverse_time else (0.0, 1.0)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import build_network

        images = image_codec(recipe.latents)
        channels, size = _codec(recipe, card, images).channels, images.shape(card.shape)[1:]
        return build_network(recipe.network, in_channels=channels, out_channels=channels, size=size)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        images = image_codec(recipe.latents)
        objective = SemFlowObjective(_codec(recipe, card, images), cls.options_of(recipe))
        return in_space(objective, images, recipe.latents)

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        for signal in self._ends(self.images.encode(images), self.image_end, self.mask_end, sampling):
            yield Segmentation(self.codec.decode(signal))

    def synthesize(self, semantics: Tensor, sampling: Sampling) -> Iterator[Tensor]:
        clean = self.codec.encode(semantics, self.images.shape(self.card.shape)[1:])
        uniform = sampling.noise.uniform(clean.shape[1:], "dequantize", sampling.draw).to(clean.device)
        if (beta := self.inference.beta) is not None:  # not by the codec: past its limit is just what is studied
            masks = self.codec.to_signal(clean + beta / UNIT * (2 * uniform - 1))
        else:
            masks = self.codec.dequantize(clean, uniform) if self.options.perturb else self.codec.to_signal(clean)
        for image in self._ends(masks, self.mask_end, self.image_end, sampling):
            yield self.images.decode(image).clamp(-1, 1)

    def picture(self, state: Tensor, *, image: bool) -> Tensor | None:
        return self.images.decode(state)

    def _ends(self, state: Tensor, start: float, end: float, sampling: Sampling) -> Iterator[Tensor]:
        """Where the flow takes `state`, [B, C, H, W], from t = `start`: at t = `end`, a step count each."""
        from ..symmflow.solvers import integrate

        for steps in sampling.steps:
            yield integrate(
                self.net, state, start=start, end=end, steps=steps, solver=sampling.solved_by, trace=sampling.trace
            )


def _codec(recipe: Recipe, card: Card, images: ImageCodec) -> Codec:
    codec = label_codec(recipe.labels, card, images)
    if codec.channels != images.shape(card.shape)[0]:
        raise InputError(
            f"SemFlow flows between images and masks of one shape, but {card.name} has {card.channels} image channels "
            f"and the labels {codec.channels}; choose a data set of colour images."
        )
    return codec
