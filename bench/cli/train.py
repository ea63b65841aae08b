"""`bench train`: train a recipe."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer

from . import parse


def train(
    recipe: str = typer.Option(..., "--recipe", "-r", help="A bundled recipe (mnist/symmflow) or a TOML file."),
    override: list[str] = typer.Option([], "--set", help="Override a value: --set optimizer.lr=3e-4 (repeatable)."),
    max_steps: int | None = typer.Option(None, "--max-steps", help="Stop after N steps of the recipe's schedule."),
    max_minutes: float | None = typer.Option(
        None, "--max-minutes", help="Stop after this time; the next call goes on."
    ),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Folder of the run. Default: runs/<recipe>."),
    device: str = typer.Option("auto", "--device", help="cpu or cuda; auto takes CUDA where there is one."),
    workers: int = typer.Option(0, "--workers", help="Processes that prepare batches."),
    tracker: str | None = typer.Option(None, "--tracker", help="tensorboard, wandb: as Accelerate knows them."),
    trust: bool = typer.Option(False, "--trust", help="Let configs and pickles from elsewhere run code."),
    as_json: bool = typer.Option(False, "--json", help="Print the checkpoint's manifest as JSON."),
) -> None:
    """Train a recipe. The same command again goes on where the last one stopped; Ctrl-C saves."""
    import json

    from ... import datasets, methods
    from ...symmflow.errors import InputError
    from ...symmflow.recipe import parse_overrides
    from ..run.training import run_training
    from .progress import bars, console

    chosen = methods.recipe(recipe, parse_overrides(override))
    if max_steps is not None and max_steps < 1:
        raise InputError(f"--max-steps must be at least 1, not {max_steps}.")
    if max_minutes is not None and max_minutes <= 0:
        raise InputError(f"--max-minutes must be more than 0, not {max_minutes:g}.")
    folder = out or Path("runs") / chosen.name
    with bars() as shown:
        task = shown.add_task(chosen.name, total=None, extra="reading data")

        spoke = time.monotonic()

        def report(step: int, steps: int, loss: float, rate: float) -> None:
            nonlocal spoke
            shown.update(task, completed=step, total=steps, extra=f"loss {loss:.4f}  {rate:,.0f} images/s")
            if not console.is_terminal and time.monotonic() - spoke > 60:  # a log file gets a line a minute
                spoke = time.monotonic()
                left = (steps - step) * chosen.train.batch / rate / 60
                print(
                    f"step {step}/{steps}  loss {loss:.4f}  {rate:,.0f} images/s  {left:.0f} min left",
                    file=sys.stderr,
                    flush=True,
                )

        checkpoint = run_training(
            chosen,
            folder,
            max_steps=max_steps,
            max_seconds=max_minutes * 60 if max_minutes is not None else None,
            data_root=data_root,
            device=device,
            workers=workers,
            trackers=tuple(parse.names(tracker, "--tracker")),
            trust=trust,
            report=report,
        )
    if as_json:
        print(json.dumps(checkpoint.manifest, indent=2))
        return
    steps, total = checkpoint.manifest["trained_steps"], chosen.schedule.steps
    rest = "" if steps == total else f" of {total}; the same command without a limit goes on"
    print(f"{checkpoint.path}: {checkpoint.manifest['parameters']:,} parameters, {steps} steps{rest}.")
    if datasets.card(chosen.dataset).tasks:
        chosen_for = f"--method {chosen.method} --dataset {chosen.dataset}"
        print(f"Evaluate it with: bench run {chosen_for} --checkpoint {folder}")
