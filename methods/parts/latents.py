"""In which space a recipe's network works."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import Card
from ...symmflow.checkpoint import IMAGE_CODEC
from ...symmflow.errors import InputError
from ...symmflow.recipe import LatentsConfig, Recipe
from .published import located

if TYPE_CHECKING:
    from ...symmflow.latents import ImageCodec
    from ...symmflow.objective import Objective


def image_codec(config: LatentsConfig) -> ImageCodec:
    """The image codec of a recipe; weights are looked for when they are first needed."""
    from ...symmflow.autoencoders import KINDS
    from ...symmflow.latents import Pixels

    if config.codec == "pixels":
        return Pixels()
    kind = KINDS[config.codec]
    assert config.weights
    patterns = [f"{folder}{file}" for file in kind.files for folder in ("", "vae/")]
    return kind(config, partial(located, config.weights, patterns))


def space(recipe: Recipe, card: Card) -> tuple[int, ...]:
    """Shape of an image of the data set as the recipe's network sees it; no weights are read."""
    return image_codec(recipe.latents).shape(card.shape)


def in_space(objective: Objective, images: ImageCodec, config: LatentsConfig) -> Objective:
    """An objective in the network's space, as one of pixels."""
    from ...symmflow.autoencoders import Autoencoder
    from ...symmflow.latents import InLatents

    if not isinstance(images, Autoencoder):
        return objective
    _ = images.model  # weights that are missing are told before anything begins
    return InLatents(objective, images, config.sample)


def codec_folder(recipe: Recipe) -> Path | None:
    """Where the autoencoder's files lie, fetched if need be; None for pixels."""
    from ...symmflow.autoencoders import Autoencoder

    images = image_codec(recipe.latents)
    return images.folder if isinstance(images, Autoencoder) else None


def codec_facts(recipe: Recipe) -> dict[str, Any]:
    """What a checkpoint's manifest says of the autoencoder; nothing for pixels."""
    from ...symmflow.autoencoders import Autoencoder

    images = image_codec(recipe.latents)
    return {IMAGE_CODEC: images.sha256} if isinstance(images, Autoencoder) else {}


def check_codec(images: ImageCodec, manifest: dict[str, Any]) -> None:
    """Raise `InputError` where the autoencoder on this machine is not the one that a checkpoint was made with."""
    from ...symmflow.autoencoders import Autoencoder

    if not isinstance(images, Autoencoder):
        return
    if images.sha256 != manifest.get(IMAGE_CODEC):
        raise InputError(
            f"the autoencoder in {images.folder} is not the one that this checkpoint was made with (SHA-256 "
            f"{images.sha256[:12]}, not {str(manifest.get(IMAGE_CODEC))[:12]}); put that one there."
        )
    _ = images.model


def only_pixels(recipe: Recipe) -> None:
    """Refuse a recipe in latents for a method that works on pixels alone."""
    if recipe.latents.codec != "pixels":
        raise InputError(f"{recipe.method} works on pixels; remove [latents] from the recipe {recipe.name}.")
