"""SymmFlow: classification, segmentation and synthesis by one symmetric flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.recipe import Recipe
from .base import Classification, Method, Segmentation
from .does import Classify, Segment, Synthesize
from .parts.labels import label_codec
from .parts.latents import image_codec, in_space, space
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.objective import Objective


class SymmFlowMethod(Method):
    """One network for both directions; see `symmbench.symmflow.flow.SymmFlow`."""

    name = "symmflow"
    title = "Symmetrical Flow Matching"
    source = "Caetano et al., Symmetrical Flow Matching, 2025"
    tasks = (Classify(), Segment(any_size=True), Synthesize())
    points = True
    latents = True

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        from ..symmflow.flow import SymmFlow

        super().__init__(network, recipe, card)
        self.shape = self.images.shape(card.shape)
        self.flow = SymmFlow(network, label_codec(recipe.labels, card, self.images), self.shape[0])

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import build_network

        own, *size = space(recipe, card)
        channels = own + label_codec(recipe.labels, card, image_codec(recipe.latents)).channels
        return build_network(recipe.network, in_channels=channels, out_channels=channels, size=size)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        from ..symmflow.objective import SymmFlowObjective
        from ..symmflow.path import SymmetricPath

        images, path = image_codec(recipe.latents), SymmetricPath(recipe.objective.sigma_min)
        objective = SymmFlowObjective(label_codec(recipe.labels, card, images), path, recipe.objective.image_weight)
        return in_space(objective, images, recipe.latents)

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        self.require(Segment)
        images = self.images.encode(images)
        for steps in sampling.steps:
            yield Segmentation(
                self.flow.segment(images, sampling.noise, steps=steps, solver=sampling.solved_by, trace=sampling.trace)
            )

    def classify(self, images: Tensor, sampling: Sampling) -> Iterator[Classification]:
        self.require(Classify)
        images = self.images.encode(images)
        for steps in sampling.steps:
            classes, scores = self.flow.classify(
                images, sampling.noise, steps=steps, solver=sampling.solved_by, trace=sampling.trace
            )
            yield Classification(classes, scores, scale="minus squared distance to the label")

    def picture(self, state: Tensor, *, image: bool) -> Tensor | None:
        own = self.shape[0]
        return self.images.decode(state[:, :own] if image else state[:, own:])

    def synthesize(self, semantics: Tensor, sampling: Sampling) -> Iterator[Tensor]:
        for steps in sampling.steps:
            sample = self.flow.synthesize(
                semantics,
                sampling.noise,
                steps=steps,
                size=self.shape[1:],
                solver=sampling.solved_by,
                draw=sampling.draw,
                trace=sampling.trace,
            )
            yield sample if self.card.is_points else self.images.decode(sample).clamp(-1, 1)
