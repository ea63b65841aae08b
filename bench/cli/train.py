"""`bench train`: train a recipe."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import typer

from ...symmflow.errors import InputError
from ..run.share import ranks
from ..run.training import Training
from .options import takes

if TYPE_CHECKING:
    from ...symmflow.train import Progress


@takes(Training)
def train(
    dry: bool = typer.Option(
        False, "--dry-run", help="Train nothing: tell memory by part, FLOPs, time, what is missing, how to launch it."
    ),
    tflops: float | None = typer.Option(
        None,
        "--tflops",
        help="Of --dry-run: TFLOP/s that a device sustains. Default: measured on this one.",
        metavar="X",
    ),
    processes: int | None = typer.Option(
        None, "--processes", help="Of --dry-run: processes, a device each. Default: the GPUs here, or 1.", metavar="N"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the checkpoint's manifest, or the dry run, as JSON."),
    **fields: Any,
) -> None:
    """Train a recipe. The same command again goes on where the last one stopped; Ctrl-C saves.

    On several GPUs or machines: accelerate launch --config_file FILE -m symmbench.bench train ...; ready files lie in
    bench/launch.
    """
    speaks = ranks(os.environ)[0] == 0  # of several processes that torchrun or accelerate started, the first one
    if dry:
        from .dry_run import show

        if speaks:
            show(tflops, processes, as_json, **fields)
        return
    if given := [flag for flag, value in (("--tflops", tflops), ("--processes", processes)) if value is not None]:
        raise InputError(f"{given[0]} goes with --dry-run.")
    from ... import datasets
    from .. import api
    from .progress import bars, console

    if not speaks:
        api.train(**fields)
        return
    with bars() as shown:
        task = shown.add_task(fields["recipe"], total=None, extra="reading data")
        spoke = time.monotonic()
        first: tuple[int, float] | None = None

        def report(now: Progress) -> None:
            nonlocal spoke, first
            first = first or (now.step - 1, spoke)
            said = f"loss {now.loss:.4f}  {now.images_per_second:,.0f} images/s"
            shown.update(task, completed=now.step, total=now.steps, extra=said)
            if not console.is_terminal and time.monotonic() - spoke > 60:  # a log file gets a line a minute
                spoke = time.monotonic()
                left = (now.steps - now.step) * (spoke - first[1]) / (now.step - first[0]) / 60
                print(f"step {now.step}/{now.steps}  {said}  {left:.0f} min left", file=sys.stderr, flush=True)

        images = shown.add_task("encoding images", total=None, visible=False, extra="")

        def encoding(done: int, total: int) -> None:
            nonlocal spoke
            shown.update(images, completed=done, total=total, visible=done < total)
            if not console.is_terminal and time.monotonic() - spoke > 60:
                spoke = time.monotonic()
                print(f"encoded {done:,} of {total:,} images", file=sys.stderr, flush=True)

        checkpoint = api.train(**fields, progress=report, encoding=encoding)
    if as_json:
        print(json.dumps(checkpoint.manifest, indent=2))
        return
    recipe = checkpoint.recipe
    steps, total = checkpoint.manifest["trained_steps"], recipe.schedule.steps
    rest = "" if steps == total else f" of {total}; the same command without a limit goes on"
    print(f"{checkpoint.path}: {checkpoint.manifest['parameters']:,} parameters, {steps} steps{rest}.")
    name = datasets.named(recipe.dataset, recipe.data.size, recipe.data.crop)
    if datasets.card(name, fields["data_root"]).tasks:
        files = f" --data-root {fields['data_root']}" if fields["data_root"] else ""
        chosen_for = f"--method {recipe.method} --dataset {name}{files}"
        print(f"Evaluate it with: bench run {chosen_for} --checkpoint {checkpoint.path.parent}")
