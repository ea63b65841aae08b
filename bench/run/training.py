"""Training of a recipe: method, data and trainer put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...symmflow.errors import InputError, note
from ...symmflow.recipe import Recipe
from .asked import MACHINE, Asked, DataRoot, Device, Names, Options, Trust
from .emulated import emulated
from .request import MOST_WORKERS

if TYPE_CHECKING:
    from ...datasets import Card
    from ...methods import Method
    from ...symmflow.checkpoint import Checkpoint
    from ...symmflow.train import Progress

REMEDY = "--set train.precision=fp32 is faster"
"""Where a recipe's precision is emulated."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What is to be trained, and how far."""

    recipe: Annotated[
        str | Recipe, Asked("A bundled recipe (mnist/symmflow) or a TOML file.", "--recipe", "-r", of="recipe")
    ]
    overrides: Annotated[Options, Asked("Override a value: --set optimizer.lr=3e-4 (repeatable).", "--set")] = field(
        default_factory=dict
    )
    max_steps: Annotated[int | None, Asked("Stop after N steps of the recipe's schedule.")] = None
    max_minutes: Annotated[float | None, Asked("Stop after this time; the next call goes on.")] = None
    data_root: DataRoot = None
    out: Annotated[Path | None, Asked("Folder of the run. Default: runs/<recipe>.", "--out", "-o")] = None
    device: Device = "auto"
    workers: Annotated[
        int | None,
        Asked(
            "Processes that prepare batches. Default: for files, and beside a GPU, the other cores, at most 4.",
            least=0,
            panel=MACHINE,
        ),
    ] = None
    cache_latents: Annotated[
        bool | None,
        Asked(
            "Encode the images of a latent model once and keep that on disk, or in every step. Default: once where the "
            "recipe allows it, the training is long enough and the disk large enough; a line says so.",
            "--cache-latents/--no-cache-latents",
            panel=MACHINE,
        ),
    ] = None
    trackers: Annotated[Names, Asked("tensorboard, wandb: as Accelerate knows them.", "--tracker")] = ()
    trust: Trust = False

    def check(self) -> None:
        """Refuse limits that no training can have."""
        if self.max_steps is not None and self.max_steps < 1:
            raise InputError(f"--max-steps must be at least 1, not {self.max_steps}.")
        if self.max_minutes is not None and not 0 < self.max_minutes < inf:
            raise InputError(f"--max-minutes must be more than 0 and finite, not {self.max_minutes:g}.")
        if self.workers is not None and not 0 <= self.workers <= MOST_WORKERS:
            raise InputError(f"--workers must lie in 0-{MOST_WORKERS}, not {self.workers}.")


def chosen(request: Training) -> tuple[Recipe, type[Method], str, Card]:
    """The recipe, its method, the name of the data set as it is seen, and its card. Raises `InputError` for what could
    not be trained."""
    from ... import datasets, methods

    request.check()
    asked = request.recipe
    recipe = asked if isinstance(asked, Recipe) else methods.recipe(asked, dict(request.overrides))
    kind = methods.method(recipe.method)
    kind.check_recipe(recipe)
    kind.vet(recipe, request.trust)
    name = datasets.named(recipe.dataset, recipe.data.size, recipe.data.crop)
    card = datasets.card(name, request.data_root)
    kind.check_data(card)
    return recipe, kind, name, card


def run_training(
    request: Training,
    progress: Callable[[Progress], None] | None = None,
    encoding: Callable[[int, int], None] | None = None,
) -> Checkpoint:
    """Train a recipe into its folder, going on where an earlier call stopped.

    `encoding` is told of images whose latents are cached, and of how many there are to be.
    """
    from importlib.metadata import version

    from ... import datasets
    from ...methods.parts.latents import codec_facts
    from ...methods.parts.pretrained import pretrained_facts
    from ...symmflow.device import decoders, resolve_device

    recipe, kind, name, card = chosen(request)
    device = resolve_device(request.device)

    import torch  # late: what is wrong with a request is said at once

    from ...symmflow.train import Trainer
    from .encoding import encoded_once

    if slow := emulated(device, recipe.train.precision, REMEDY):
        note(slow)
    torch.manual_seed(recipe.train.seed)
    network, objective = kind.untrained(recipe, card), kind.objective(recipe, card)
    data = datasets.load(name, "train", request.data_root)
    automatic = decoders() if isinstance(data, datasets.FileSplit) or device.startswith("cuda") else 0
    seen, batches = encoded_once(request, recipe, objective, data, encoding)
    trainer = Trainer(
        recipe=recipe,
        network=network,
        objective=seen,
        data=batches,
        out=request.out or Path("runs") / recipe.name,
        device=device,
        workers=automatic if request.workers is None else request.workers,
        mirrored=card.flipped,
        trackers=tuple(request.trackers),
        report=progress,
        facts={
            **codec_facts(recipe),
            **pretrained_facts(recipe),
            "data": {"name": card.name, "split": "train", "n": len(data), "sha256": data.found_sha256},
            "made_by": {"symmbench": version("symmbench"), "torch": torch.__version__},
        },
    )
    return trainer.train(request.max_steps, request.max_minutes * 60 if request.max_minutes else None)
