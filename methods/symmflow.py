"""SymmFlow: classification, segmentation and synthesis by one symmetric flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.errors import InputError
from ..symmflow.recipe import LabelsConfig, Recipe
from .base import YES, Classification, Method, Segmentation, Support, no

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.labels import Codec
    from ..symmflow.noise import Draws
    from ..symmflow.objective import SymmFlowObjective
    from ..symmflow.solvers import Trace


class SymmFlowMethod(Method):
    """One network for both directions; see `symmbench.symmflow.flow.SymmFlow`."""

    name = "symmflow"
    title = "Symmetrical Flow Matching"
    any_size = True
    source = "Caetano et al., Symmetrical Flow Matching, 2025"

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        from ..symmflow.flow import SymmFlow

        super().__init__(network, recipe, card)
        self.flow = SymmFlow(network, label_codec(recipe.labels, card), card.channels)

    @classmethod
    def supports(cls, task: str, steps: int | None, card: Card) -> Support:
        if task == "ss" and not card.has_masks:
            return no(f"{card.name} has no masks to segment")
        if task == "cls" and card.has_masks:
            return no(f"{card.name} has masks, not one class an image")
        return YES

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import build_network

        channels = card.channels + label_codec(recipe.labels, card).channels
        return build_network(recipe.network, in_channels=channels, out_channels=channels, size=card.size)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> SymmFlowObjective:
        from ..symmflow.objective import SymmFlowObjective
        from ..symmflow.path import SymmetricPath

        path = SymmetricPath(recipe.objective.sigma_min)
        return SymmFlowObjective(label_codec(recipe.labels, card), path, recipe.objective.image_weight)

    def segment(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Segmentation]:
        self.require("ss")
        for count in steps:
            yield Segmentation(self.flow.segment(images, noise, steps=count, solver=solver, trace=trace))

    def classify(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Classification]:
        self.require("cls")
        for count in steps:
            classes, scores = self.flow.classify(images, noise, steps=count, solver=solver, trace=trace)
            yield Classification(classes, scores, scale="minus squared distance to the label")

    def synthesize(
        self,
        semantics: Tensor,
        *,
        steps: tuple[int | None, ...],
        solver: str,
        noise: Draws,
        draw: int = 0,
        trace: Trace | None = None,
    ) -> Iterator[Tensor]:
        for count in steps:
            sample = self.flow.synthesize(
                semantics, noise, steps=count, size=self.card.size, solver=solver, draw=draw, trace=trace
            )
            yield sample if self.card.is_points else sample.clamp(-1, 1)


def label_codec(config: LabelsConfig, card: Card) -> Codec:
    """The codec of a recipe for a data set."""
    from ..symmflow.labels import ClassMap, Palette, anchors

    classes = len(card.classes)
    if (config.codec == "class-map") == card.has_masks:
        wanted = "palette or anchors" if card.has_masks else "class-map"
        raise InputError(f"labels.codec = {config.codec!r} does not fit {card.name}; choose {wanted}.")
    if config.codec == "class-map":
        return ClassMap(classes, config.scaling, config.eta, config.beta)
    beta = {} if config.beta is None else {"beta": config.beta}
    if config.codec == "anchors":
        return anchors(classes, k=config.k, s=config.s, **beta)
    assert card.palette is not None
    return Palette(card.palette, official=config.scaling == "official", **beta)
