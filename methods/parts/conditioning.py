"""Networks that are told the label: masks as extra channels, classes by an embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...datasets import Card
from ...symmflow.recipe import Recipe
from .labels import label_codec

if TYPE_CHECKING:
    from torch import Tensor, nn

Field = Callable[["Tensor", "Tensor"], "Tensor"]
"""(state [B, C, H, W], t [B] in [0, 1]) -> [B, C, H, W]."""


def conditional_network(recipe: Recipe, card: Card) -> nn.Module:
    """A network from images to images that is told the semantics of `card`."""
    from ...symmflow.networks import build_network

    channels = card.channels
    if card.has_masks:
        told = channels + label_codec(recipe.labels, card).channels
        return build_network(recipe.network, in_channels=told, out_channels=channels, size=card.size)
    return build_network(
        recipe.network, in_channels=channels, out_channels=channels, size=card.size, num_classes=len(card.classes)
    )


def told(network: Callable[..., Tensor], semantics: Tensor, recipe: Recipe, card: Card) -> Field:
    """`network` with the semantics put in: class ids [B], or masks [B, H, W] as clean colours beside the state."""
    from ...symmflow.path import join

    if not card.has_masks:
        return lambda state, t: network(state, t, semantics)
    colors = label_codec(recipe.labels, card).encode(semantics, card.size)
    return lambda state, t: network(join(state, colors), t)
