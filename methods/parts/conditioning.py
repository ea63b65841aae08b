"""Networks that are told the label: masks as extra channels, classes by an embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...datasets import Card
from ...symmflow.recipe import Recipe
from .labels import label_codec
from .latents import image_codec, space

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ...symmflow.labels import Codec
    from ...symmflow.latents import ImageCodec

Field = Callable[["Tensor", "Tensor"], "Tensor"]
"""(state [B, C, H, W], t [B] in [0, 1]) -> [B, C, H, W]."""


def conditional_network(recipe: Recipe, card: Card) -> nn.Module:
    """A network from images to images that is told the semantics of `card`."""
    from ...symmflow.networks import build_network

    channels, *size = space(recipe, card)
    if (codec := mask_codec(recipe, card, image_codec(recipe.latents))) is not None:
        told = channels + codec.channels
        return build_network(recipe.network, in_channels=told, out_channels=channels, size=size)
    return build_network(
        recipe.network, in_channels=channels, out_channels=channels, size=size, num_classes=len(card.classes)
    )


def mask_codec(recipe: Recipe, card: Card, images: ImageCodec) -> Codec | None:
    """How masks are told; None where there are classes, which are told by their ids."""
    return label_codec(recipe.labels, card, images) if card.has_masks else None


def told(network: Callable[..., Tensor], semantics: Tensor, codec: Codec | None, spatial: Sequence[int]) -> Field:
    """`network` with the semantics put in: class ids [B], or masks [B, H, W] as clean colours beside the state.

    `codec`: of the masks; `spatial`: (h, w) of the state.
    """
    from ...symmflow.path import join

    if codec is None:
        return lambda state, t: network(state, t, semantics)
    colors = codec.to_signal(codec.encode(semantics, spatial))
    return lambda state, t: network(join(state, colors), t)
