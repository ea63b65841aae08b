"""Training of a recipe: method, data and trainer put together."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ... import datasets, methods
from ...symmflow.checkpoint import Checkpoint
from ...symmflow.recipe import Recipe
from .sweep import resolve_device

Report = Callable[[int, int, float, float], None]
"""(step, steps, loss, images a second)."""


def run_training(
    recipe: Recipe,
    out: Path,
    *,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    workers: int = 0,
    trackers: tuple[str, ...] = (),
    trust: bool = False,
    report: Report | None = None,
) -> Checkpoint:
    """Train a recipe into the folder `out`, going on where an earlier call stopped.

    `trust`: let a recipe run code from outside symmbench and its dependencies.
    """
    import torch

    from ...symmflow.train.loop import Trainer

    kind = methods.method(recipe.method)
    kind.options_of(recipe)
    kind.vet(recipe, trust)
    card = datasets.card(recipe.dataset)
    device = resolve_device(device)
    torch.manual_seed(recipe.train.seed)
    network = kind.network(recipe, card)
    objective = kind.objective(recipe, card)
    data = datasets.load(recipe.dataset, "train", data_root)
    trainer = Trainer(
        recipe=recipe,
        network=network,
        objective=objective,
        data=data,
        out=out,
        device=device,
        workers=workers,
        trackers=trackers,
        report=(lambda p: report(p.step, p.steps, p.loss, p.images_per_second)) if report else None,
        facts={
            "data": {"name": card.name, "split": "train", "n": len(data), "sha256": data.content_sha256},
            "made_by": {"symmbench": version("symmbench"), "torch": torch.__version__},
        },
    )
    return trainer.train(max_steps, max_seconds)
