"""`bench import` and `bench export`: checkpoints from elsewhere, and for elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from .. import api
from .options import takes


@takes(api.import_checkpoint)
def import_(
    file: str = typer.Argument(
        ..., help="A state dict, a folder in diffusers' format, or NAME:PATH of a published one."
    ),
    **asked: Any,
) -> None:
    """Make a checkpoint of published weights: strict, every weight accounted for, no code run."""
    from ... import datasets

    checkpoint = api.import_checkpoint(file, **asked)
    recipe = checkpoint.recipe
    name = datasets.named(recipe.dataset, recipe.data.size, recipe.data.crop)
    print(f"{checkpoint.path}: {checkpoint.manifest['parameters']:,} parameters of {recipe.name}, every weight placed.")
    chosen = f"--method {recipe.method} --dataset {name}"
    print(f"Evaluate it with: bench run {chosen} --checkpoint {checkpoint.path}")


@takes(api.export_checkpoint)
def export(
    checkpoint: Path = typer.Argument(..., help="A checkpoint, or the folder of a training."), **asked: Any
) -> None:
    """Write a checkpoint as a folder that diffusers opens, with a model card."""
    print(api.export_checkpoint(checkpoint, **asked))
