"""`bench sample`: what a method makes, as a picture of a few samples, or as files of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ...symmflow.errors import InputError
from ..run.request import Request
from . import complete
from .options import takes

FIELDS = (
    "datasets",
    "steps",
    "solver",
    "options",
    "protocol",
    "split",
    "limit",
    "samples_per_mask",
    "checkpoint",
    "precision",
    "data_root",
    "batch_size",
    "device",
    "trust",
)


@takes(Request, *FIELDS)
def sample(
    method: str = typer.Option("symmflow", "--method", "-m", help="One method.", autocompletion=complete.of("method")),
    task: str = typer.Option("sis", "--task", "-t", help="sis, ss, cls or cycle.", autocompletion=complete.of("task")),
    everything: bool = typer.Option(
        False, "--all", help="Every sample of the split, as files: PNG of masks or syntheses, CSV of class scores."
    ),
    count: int | None = typer.Option(None, "--count", "-n", help="Samples of the picture, a row each. Default: 8."),
    seed: int = typer.Option(0, "--seed", help="Generation seed."),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="The PNG file, or the folder of --all. Default: sample.png, outputs."
    ),
    **fields: Any,
) -> None:
    """Draw a grid: input, the method's output at each step count, what is real; or write all outputs as files."""
    from ...symmflow.files import write_atomically
    from .. import api
    from .sweeping import sweep_progress

    asked = {"methods": method, "tasks": task, "seeds": seed, **fields}
    if everything:
        if count is not None:
            raise InputError("--count goes with a picture; --all takes --limit N.")
        with sweep_progress() as progress:
            made = api.export(**asked, folder=out or Path("outputs"), progress=progress)
        for folder in made.folders:
            print(folder)
        return
    for flag, name in (("--limit", "limit"), ("--samples-per-mask", "samples_per_mask")):
        if asked.pop(name) is not None:
            raise InputError(f"{flag} goes with --all; a picture takes --count N.")
    out = out or Path("sample.png")
    write_atomically(out, api.sample(**asked, count=8 if count is None else count))
    print(out)
