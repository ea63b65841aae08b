"""Checkpoints in and out: what others published, and ours as a folder that diffusers opens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...symmflow.bounded import read_json
from ...symmflow.errors import Damaged, InputError
from ...symmflow.recipe import Recipe, check_table
from .asked import Asked, Options
from .keywords import named

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ...symmflow.checkpoint import Checkpoint

BESIDE, FACTS = "beside.safetensors", "symmbench.json"
"""In an exported folder: what a network holds beside its U-Net, and the recipe with what is known of its training."""
CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
KEPT = ("trained_steps", "training", "data", "made_by", "pretrained")
"""Of a manifest, through an export and an import."""


@named
def import_checkpoint(
    file: str | Path,
    *,
    recipe: Annotated[
        str | None,
        Asked("Recipe that it was trained by. Default: that in an exported folder.", "--recipe", "-r", of="recipe"),
    ] = None,
    method: Annotated[str | None, Asked("symmflow, semflow, ...: must be the recipe's.", "--as", of="method")] = None,
    overrides: Annotated[Options, Asked("Override a value of the recipe: --set latents.weights=FOLDER.", "--set")] = {},  # noqa: B006
    prompt: Annotated[
        Path | str | None, Asked("File of the empty prompt's embedding. Default: by the recipe's pipeline.")
    ] = None,
    out: Annotated[Path | str | None, Asked("Folder to write. Default: runs/RECIPE/checkpoint.", "--out", "-o")] = None,
) -> Checkpoint:
    """Make a checkpoint of published weights, every one of them accounted for.

    `file`: a state dict (.pt, .bin, .safetensors), a folder in diffusers' format, or NAME:PATH of a published model
    (`bench list hub`). Nothing in it can run code.
    """
    from ... import datasets, methods
    from ...methods.parts.latents import codec_facts
    from ...symmflow.checkpoint import save_checkpoint
    from ...symmflow.convert import to_ours
    from ...symmflow.networks import parameter_count, weightless
    from ...symmflow.weights import digest, read_weights

    path = _found(str(file))
    facts = _facts(path)
    chosen = _recipe(recipe, dict(overrides), facts, path)
    if method is not None and method != chosen.method:
        raise InputError(f"{chosen.name} is a recipe of {chosen.method}; import it --as {chosen.method}.")
    kind = methods.method(chosen.method)
    kind.check_recipe(chosen)
    card = datasets.card(datasets.named(chosen.dataset, chosen.data.size, chosen.data.crop))
    network = weightless(lambda: kind.network(chosen, card))
    folder = path / "unet" if (path / "unet").is_dir() else path
    _check_config(folder, network)
    weights = to_ours(read_weights(folder), network)
    weights |= _rest(network, chosen, path, None if prompt is None else Path(prompt))
    return save_checkpoint(
        Path(out) if out else Path("runs") / chosen.name / "checkpoint",
        weights,
        chosen,
        log="",
        **{name: facts[name] for name in KEPT if name in facts},
        **codec_facts(chosen),
        parameters=parameter_count(network),
        imported={"from": str(file), "sha256": digest(folder)},
    )


def _found(given: str) -> Path:
    from ...methods.parts.published import PUBLISHED, located

    name, colon, inside = given.partition(":")
    if Path(given).exists() or name not in PUBLISHED:
        return Path(given)
    if not colon:
        raise InputError(f"name the file of {name} too: {name}:{' or '.join(PUBLISHED[name].files) or 'PATH'}.")
    return located(name, [inside]) / inside


def _facts(path: Path) -> dict[str, Any]:
    """What an exported folder says of itself."""
    from ...symmflow.checkpoint import FORMAT, Manifest

    if not (path / FACTS).is_file():
        return {}
    try:
        found = read_json(path / FACTS)
        facts = {"recipe": found["recipe"], **{name: found[name] for name in KEPT if name in found}}
        Manifest.model_validate({**facts, "format": FORMAT, "sha256": "0" * 64})
        return facts
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / FACTS} cannot be read ({type(error).__name__}); export it again.") from None


def _recipe(name: str | None, overrides: dict[str, Any], facts: Mapping[str, Any], path: Path) -> Recipe:
    from ... import methods

    if name is not None:
        return methods.recipe(name, overrides)
    if not facts:
        raise InputError(f"{path} does not say how it was trained; name its recipe: --recipe celebamask-hq/symmflow.")
    if overrides:
        raise InputError("--set changes a recipe that --recipe names; name it.")
    return check_table(Recipe, facts["recipe"], str(path / FACTS))


def _check_config(folder: Path, network: nn.Module) -> None:
    """Refuse what shapes do not show: other heads, norms or time than the recipe's."""
    from ...symmflow.stable_diffusion import unlike_config
    from ...symmflow.weights import read_tables

    if not (folder / CONFIG).is_file():
        return
    found = read_tables(folder / CONFIG)
    unet: Any = getattr(network, "unet", None)
    if unet is not None and (wrong := unlike_config(unet, found)):
        raise InputError(f"{folder} holds another network than the recipe's: {wrong}.")


def _rest(network: nn.Module, recipe: Recipe, path: Path, prompt: Path | None) -> dict[str, Tensor]:
    """What a network holds beside its U-Net: as exported, or the prompt by a file or the recipe's pipeline."""
    import torch

    from ...methods.parts.pretrained import TEXT
    from ...methods.parts.published import located
    from ...symmflow.convert import OURS
    from ...symmflow.stable_diffusion import StableDiffusionUNet, empty_prompt, read_prompt, unlike
    from ...symmflow.weights import read_weights

    wanted = {n: tuple(v.shape) for n, v in network.state_dict().items() if not n.startswith(OURS)}
    if (path / BESIDE).is_file():
        found = read_weights(path / BESIDE)
    elif isinstance(network, StableDiffusionUNet):
        shape = tuple(network.prompt.shape)
        if prompt is not None:
            embedding, ids = read_prompt(prompt), torch.full(shape[:2], -1)
        elif recipe.network.pipeline:
            embedding, ids = empty_prompt(located(recipe.network.pipeline, TEXT))
        else:
            embedding, ids = torch.zeros(shape), torch.full(shape[:2], -1)
        found = {"prompt": embedding, "prompt_ids": ids}
    else:
        found = {}
    if wrong := unlike(wanted, found):
        raise InputError(f"{path} does not hold all of the recipe's network: {wrong}.")
    return found


@named
def export_checkpoint(
    checkpoint: str | Path,
    *,
    out: Annotated[Path | str, Asked("Folder to write.", "--out", "-o")],
    results: Annotated[
        Path | str | None, Asked("Results whose figures of this checkpoint go into the model card.")
    ] = None,
) -> Path:
    """Write a checkpoint as a folder that diffusers opens, with a model card; `import_checkpoint` reads it back."""
    from safetensors.torch import save

    from ... import datasets, methods
    from ...symmflow.checkpoint import WEIGHTS as OWN
    from ...symmflow.checkpoint import open_checkpoint
    from ...symmflow.convert import OURS
    from ...symmflow.files import atomic_folder
    from ...symmflow.networks import weightless
    from ...symmflow.stable_diffusion import unlike
    from ...symmflow.weights import read_weights
    from .modelcard import model_card

    path = Path(checkpoint)
    opened = open_checkpoint(path / "checkpoint" if (path / "checkpoint").is_dir() else path)
    recipe, folder = opened.recipe, Path(out)
    if recipe.network.kind not in ("unet", "sd-unet") or not methods.method(recipe.method).latents:
        raise unknown_to_diffusers(recipe)
    if folder.exists() and not (folder / FACTS).is_file() and any(folder.iterdir()):
        raise InputError(f"{folder} holds other files; choose another --out.")
    card = datasets.card(datasets.named(recipe.dataset, recipe.data.size, recipe.data.crop))
    network: Any = weightless(lambda: methods.method(recipe.method).network(recipe, card))
    weights = read_weights(opened.path / OWN)
    if wrong := unlike({name: tuple(value.shape) for name, value in network.state_dict().items()}, weights):
        raise Damaged(f"the weights in {opened.path} do not fit their recipe ({wrong})")
    ours = {name.removeprefix(OURS): value for name, value in weights.items() if name.startswith(OURS)}
    rest = {name: value for name, value in weights.items() if not name.startswith(OURS)}
    facts = {"recipe": recipe.model_dump(mode="json", exclude_none=True)}
    facts |= {name: opened.manifest[name] for name in KEPT if name in opened.manifest}
    page = model_card(opened, card, None if results is None else Path(results))
    with atomic_folder(folder) as aside:
        network.unet.save_config(aside)
        (aside / WEIGHTS).write_bytes(save(ours, metadata={"format": "pt"}))
        if rest:
            (aside / BESIDE).write_bytes(save(rest, metadata={"format": "pt"}))
        (aside / FACTS).write_text(json.dumps(facts, indent=2) + "\n")
        (aside / "README.md").write_text(page)
    return folder


def unknown_to_diffusers(recipe: Recipe) -> InputError:
    return InputError(
        f"diffusers has no network like that of {recipe.name} ({recipe.method}, {recipe.network.kind}); only U-Nets of "
        "flows and diffusions are exported."
    )
