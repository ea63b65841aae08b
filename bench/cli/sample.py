"""`bench sample`: a picture of what a method does at several step counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ..run.request import Request
from . import complete
from .options import takes

FIELDS = ("datasets", "steps", "solver", "options", "split", "checkpoint", "data_root", "device", "trust")


@takes(Request, *FIELDS, steps=(1, 5, 25))
def sample(
    method: str = typer.Option("symmflow", "--method", "-m", help="One method.", autocompletion=complete.of("method")),
    task: str = typer.Option("sis", "--task", "-t", help="sis, ss, cls or cycle.", autocompletion=complete.of("task")),
    count: int = typer.Option(8, "--count", "-n", help="Samples, a row each."),
    seed: int = typer.Option(0, "--seed", help="Generation seed."),
    out: Path = typer.Option(Path("sample.png"), "--out", "-o", help="The PNG file."),
    **fields: Any,
) -> None:
    """Draw a grid: input, the method's output at each step count, what is real."""
    from ...symmflow.files import write_atomically
    from .. import api

    write_atomically(out, api.sample(methods=method, tasks=task, count=count, seeds=seed, **fields))
    print(out)
