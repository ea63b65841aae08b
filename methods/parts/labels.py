"""How a recipe writes the labels of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...datasets import Card
from ...symmflow.errors import InputError
from ...symmflow.recipe import LabelsConfig

if TYPE_CHECKING:
    from ...symmflow.labels import Codec
    from ...symmflow.latents import ImageCodec


def label_codec(config: LabelsConfig, card: Card, images: ImageCodec | None = None) -> Codec:
    """The codec of a recipe for a data set; colours end in `images`, where that is not the identity."""
    from ...symmflow.labels import Palette
    from ...symmflow.latents import LatentLabels, Pixels

    colors = _pixel_codec(config, card)
    if images is None or isinstance(images, Pixels) or not isinstance(colors, Palette):
        return colors
    return LatentLabels(colors, images)


def _pixel_codec(config: LabelsConfig, card: Card) -> Codec:
    from ...symmflow.labels import ClassMap, Palette, anchors

    classes = len(card.classes)
    if (config.codec == "class-map") == card.has_masks:
        wanted = "palette or anchors" if card.has_masks else "class-map"
        raise InputError(f"labels.codec = {config.codec!r} does not fit {card.name}; choose {wanted}.")
    if config.codec == "class-map":
        return ClassMap(classes, config.scaling, config.eta, config.beta)
    beta = {} if config.beta is None else {"beta": config.beta}
    if config.codec == "anchors":
        return anchors(classes, k=config.k, s=config.s, void=config.void, **beta)
    assert card.palette is not None
    return Palette(card.palette, official=config.scaling == "official", void=config.void, **beta)
