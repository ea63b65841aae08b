"""A training that is only told about: what it takes, how long, and whether all that it needs is here."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ...symmflow.errors import InputError
from ...symmflow.guests import Guest, said
from ...symmflow.network import closed
from ...symmflow.recipe import Recipe
from .emulated import emulated
from .keywords import TrainingFields, request_of, takes_fields
from .training import REMEDY, Training, chosen

if TYPE_CHECKING:
    from ...datasets import Card
    from ...methods import Method
    from ...symmflow.footprint import Footprint
    from ...symmflow.train.budget import Budget

EFFICIENCY = 0.3
"""Share of the peak of matrix products that training such a U-Net reaches: 28 % of an A100's 312 TFLOP/s, from the 290
images a second that MosaicML's README of `diffusion` reports of Stable Diffusion 2 on eight of them."""
MOST_PROCESSES = 2**16
LAUNCH, PER_MACHINE = Path(__file__).parents[1] / "launch", 8
"""The ready files for Accelerate and Slurm, and the GPUs of a machine in them."""


@dataclass(frozen=True)
class Need:
    """Something that the training reads."""

    what: str
    here: bool
    said: str
    """Where it lies, or what gets it."""


@dataclass(frozen=True)
class DryRun:
    """What a training would take. Memory is in bytes on each device, times are in seconds."""

    recipe: str
    network: str
    """Its class."""
    space: tuple[int, ...]
    """Shape of an image as the network sees it."""
    parameters: int | None
    budget: Budget | None
    uncounted: str
    """Why there is no budget; empty where there is."""
    processes: int
    precision: str
    tflops: float
    """Tera-FLOP/s that a device is taken to sustain."""
    by: str
    """Where that number comes from."""
    epoch: int
    """Training images, as the data set's card says."""
    needs: tuple[Need, ...]
    command: str
    """That starts the training."""
    mind: str = ""
    """That this device only emulates the precision; empty where it does not."""

    @property
    def seconds(self) -> float | None:
        """Of all the steps, on all devices together."""
        if self.budget is None:
            return None
        return self.budget.total_flops / (self.tflops * 1e12 * self.processes)


@takes_fields(Training)
def dry_run(
    request: Training | None = None,
    *,
    tflops: float | None = None,
    processes: int | None = None,
    **keywords: Unpack[TrainingFields],
) -> DryRun:
    """What `train` would take: memory by part, FLOPs, time, and what is missing here. Reads no weights, and no data.

    `tflops`: that a device sustains; by default a share of what matrix products reach on this one. `processes`: of a
    device each; by default as many as there are GPUs here, or one. Raises `InputError` for what could not be trained.
    """
    import torch

    from ...methods.parts.latents import space
    from ...symmflow.device import matmul_rate, resolve_device
    from ...symmflow.train.feed import micro_batch

    asked = request_of(Training, request, keywords)
    if tflops is not None and not 0 < tflops < inf:
        raise InputError(f"--tflops must be more than 0 and finite, not {tflops:g}.")
    if processes is not None and not 1 <= processes <= MOST_PROCESSES:
        raise InputError(f"--processes must lie in 1-{MOST_PROCESSES:,}, not {processes}.")
    recipe, kind, name, card = chosen(asked)
    device = resolve_device(asked.device)
    count = processes or max(torch.cuda.device_count() if device == "cuda" else 1, 1)
    micro_batch(recipe, count)
    by = "--tflops"
    if tflops is None:
        peak = matmul_rate(device, recipe.train.precision) / 1e12
        tflops, by = (
            EFFICIENCY * peak,
            f"{EFFICIENCY:.0%} of {peak:.3g}, the peak of {recipe.train.precision} matrix products ",
        )
        by += f"measured on this {device}"
    with closed():  # nothing is fetched
        network, shape, uncounted = _network(recipe, kind, card)
        needs = (_data(name, card, asked), *weights_needed(recipe))
        found = _budget(asked, recipe, card, network, count) if network else None
    return DryRun(
        recipe=recipe.name,
        network=shape,
        space=space(recipe, card),
        parameters=network.parameters if network else None,
        budget=found,
        uncounted=uncounted,
        processes=count,
        precision=recipe.train.precision,
        tflops=tflops,
        by=by,
        epoch=card.splits.get("train", 0),
        needs=needs,
        command=command(asked, count),
        mind=emulated(device, recipe.train.precision, REMEDY),
    )


def _network(recipe: Recipe, kind: type[Method], card: Card) -> tuple[Footprint | None, str, str]:
    """The network's footprint and class, or why it is not known: other packages may make and call it as they like."""
    from ...methods.parts.latents import space
    from ...symmflow.footprint import example, footprint

    image, made = space(recipe, card), list[Any]()

    def make() -> Any:
        made.append(kind.network(recipe, card))
        return made[-1]

    try:
        with Guest():
            found = footprint(
                make, lambda network: network(*example(network, image)), recipe.train.precision, backward=True
            )
    except Exception as error:
        why = str(error).rstrip(".") if isinstance(error, InputError) else said(error)
        return None, type(made[0]).__name__ if made else "", why
    return found, type(made[0]).__name__, ""


def _budget(request: Training, recipe: Recipe, card: Card, network: Footprint, processes: int) -> Budget:
    from ...methods.parts.labels import label_codec
    from ...methods.parts.latents import image_codec
    from ...symmflow.autoencoders import Autoencoder
    from ...symmflow.latents import LatentLabels
    from ...symmflow.train.budget import budget

    codec = image_codec(recipe.latents)
    if not isinstance(codec, Autoencoder):
        return budget(recipe, network, processes=processes, max_steps=request.max_steps)
    masks = isinstance(label_codec(recipe.labels, card, codec), LatentLabels)
    cached = _cached(request, recipe, card)
    once = card.splits.get("train", 0) * (1 + (recipe.data.flip > 0)) if cached else 0
    encoding = codec.encoding(card.shape, recipe.train.precision)
    each, last = masks + (not cached), request.max_steps
    return budget(recipe, network, encoding, each, once=once, processes=processes, max_steps=last)


def _cached(request: Training, recipe: Recipe, card: Card) -> bool:
    """Whether latents of images are encoded once, as far as no disk is asked."""
    from ...symmflow.train.latents import not_cached
    from .encoding import LEAST

    if request.cache_latents is not None or not_cached(recipe):
        return bool(request.cache_latents) and not not_cached(recipe)
    images = card.splits.get("train", 0) * (1 + (recipe.data.flip > 0))
    return (request.max_steps or recipe.schedule.steps) * recipe.train.batch >= LEAST * images


def _data(name: str, card: Card, request: Training) -> Need:
    from ... import datasets
    from ...datasets.filed import FileDataSet

    what, base = f"data set {card.name}", name.partition("@")[0]
    try:
        found = datasets.dataset(name, request.data_root)
        if isinstance(found, FileDataSet):
            layout, folder = found.find(request.data_root)
            return Need(what, True, f"in {folder} ({layout.name}); `bench data verify {base}` reads it")
        datasets.manifest(name, "train", request.data_root)
    except InputError as error:
        if request.data_root:
            return Need(what, False, str(error).rstrip("."))
        return Need(what, False, f"`bench data get {base}` fetches it, or says how to")
    return Need(what, True, "it comes with the package, or lies where its name says")


def weights_needed(recipe: Recipe) -> Sequence[Need]:
    from ...methods.parts.latents import codec_folder
    from ...methods.parts.pretrained import pipeline_folder
    from ...methods.parts.published import PUBLISHED

    wanted: list[tuple[str, str, Callable[[], Path | None]]] = []
    if recipe.network.pipeline:
        own = "weights" if recipe.network.pretrained != "random" else "empty prompt"
        where = "network.pipeline"
        wanted.append((f"{own} of {recipe.network.pipeline}", where, lambda: pipeline_folder(recipe.network)))
    if recipe.latents.weights:
        wanted.append((f"autoencoder {recipe.latents.weights}", "latents.weights", lambda: codec_folder(recipe)))
    needs = []
    for what, field, find in wanted:
        try:
            needs.append(Need(what, True, f"in {find()}"))
        except InputError as error:
            other = f"or name a folder that holds it: --set {field}=FOLDER"
            fetched = what.rpartition(" ")[2] in PUBLISHED
            why = f"fetched when the training begins; {other}" if fetched else str(error).rstrip(".")
            needs.append(Need(what, False, why))
    return needs


def command(request: Training, processes: int) -> str:
    """The command line that starts the training: of several processes, as Accelerate or Slurm launches them."""
    recipe = request.recipe.name if isinstance(request.recipe, Recipe) else request.recipe
    words = ["--recipe", recipe]
    words += [word for key, value in request.overrides.items() for word in ("--set", f"{key}={_toml(value)}")]
    given = {
        "--max-steps": request.max_steps,
        "--max-minutes": request.max_minutes,
        "--data-root": request.data_root,
        "--out": request.out,
        "--workers": request.workers,
        "--tracker": ",".join(request.trackers) or None,
        "--device": None if request.device == "auto" else request.device,
    }
    words += [word for flag, value in given.items() if value is not None for word in (flag, str(value))]
    words += ["--trust"] if request.trust else []
    if request.cache_latents is not None:
        words.append("--cache-latents" if request.cache_latents else "--no-cache-latents")
    return shlex.join([*_launch(processes), *words])


def _launch(processes: int) -> list[str]:
    """What comes before the options of `bench train`: more GPUs than a machine of the ready files has are several's."""
    if processes > PER_MACHINE:
        nodes = next(n for n in range(2, processes + 1) if processes % n == 0 and processes // n <= PER_MACHINE)
        machines = ["--nodes", str(nodes), "--gpus-per-node", str(processes // nodes)]
        return ["sbatch", *machines, str(LAUNCH / "slurm.sh")]
    if processes > 1:
        file = ["--config_file", str(LAUNCH / "one-node.yaml"), "--num_processes", str(processes)]
        return ["accelerate", "launch", *file, "-m", "symmbench.bench", "train"]
    return ["bench", "train"]


def _toml(value: Any) -> str:
    """As `--set` reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]" if not any(isinstance(v, str) for v in value) else repr(list(value))
    return str(value)
