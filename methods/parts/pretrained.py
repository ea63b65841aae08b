"""What a training begins with, where its recipe names a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.recipe import NetworkConfig, Recipe
from .published import located

if TYPE_CHECKING:
    from torch import nn

UNET = ("unet/config.json", "unet/*.safetensors", "unet/*.safetensors.index.json")
TEXT = ("tokenizer/*", "text_encoder/config.json", "text_encoder/model.safetensors")


def begin_with(network: nn.Module, recipe: Recipe) -> None:
    """Give a network the empty prompt of the recipe's pipeline, and its weights if `network.pretrained` says so."""
    from ...symmflow.stable_diffusion import StableDiffusionUNet, empty_prompt, load_pretrained, set_prompt
    from ...symmflow.weights import read_tables, read_weights

    config = recipe.network
    if not isinstance(network, StableDiffusionUNet):
        if config.pipeline or config.pretrained != "random":
            raise InputError(f"{recipe.name}: network.pipeline goes with network.kind = 'sd-unet'; remove it.")
        return
    if config.pipeline is None:
        if config.pretrained != "random":
            raise InputError(f"{recipe.name}: network.pretrained needs network.pipeline, where the weights are.")
        return
    folder = pipeline_folder(config)
    set_prompt(network, *empty_prompt(folder))
    if config.pretrained != "random":
        said = read_tables(folder / "unet" / "config.json")
        load_pretrained(network, read_weights(folder / "unet"), config.pretrained, said)


def pipeline_folder(config: NetworkConfig) -> Path:
    """Where the files lie that a training takes of the pipeline. Raises `InputError` where they cannot be had."""
    assert config.pipeline
    needed = TEXT + (UNET if config.pretrained != "random" else ())
    folder = located(config.pipeline, needed)
    for part in dict.fromkeys(pattern.partition("/")[0] for pattern in needed):
        if not (folder / part).is_dir():
            raise InputError(f"{folder} is no pipeline in diffusers' format: it has no {part}.")
    return folder


def pretrained_facts(recipe: Recipe) -> dict[str, Any]:
    """What a checkpoint's manifest says of the weights that its training began with; nothing where it had none.

    Of the pipeline's text encoder the checkpoint keeps the embedding itself.
    """
    from ...symmflow.weights import digest

    config = recipe.network
    if config.pipeline is None or config.pretrained == "random":
        return {}
    folder = pipeline_folder(config)
    return {"pretrained": {"pipeline": config.pipeline, "commit": _commit(folder), "sha256": digest(folder / "unet")}}


def _commit(folder: Path) -> str | None:
    """Of a snapshot in the hub's cache, which is called by it."""
    return folder.name if folder.parent.name == "snapshots" else None
