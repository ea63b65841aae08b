"""How a recipe writes the labels of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...datasets import Card
from ...symmflow.errors import InputError
from ...symmflow.recipe import LabelsConfig

if TYPE_CHECKING:
    from ...symmflow.labels import Codec


def label_codec(config: LabelsConfig, card: Card) -> Codec:
    """The codec of a recipe for a data set."""
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
