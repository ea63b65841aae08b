"""`bench sample`: a picture of what a method does at several step counts."""

from __future__ import annotations

from pathlib import Path

import typer

from . import parse


def sample(
    method: str = typer.Option("symmflow", "--method", "-m", help="One method."),
    task: str = typer.Option("sis", "--task", "-t", help="sis, ss or cls."),
    dataset: str | None = typer.Option(None, "--dataset", "-d", help="Data set. Default: as in `bench run`."),
    steps: str = typer.Option("1,5,25", "--steps", help="Inference steps, a column each."),
    count: int = typer.Option(8, "--count", "-n", help="Samples, a row each."),
    seed: int = typer.Option(0, "--seed", help="Generation seed."),
    solver: str | None = typer.Option(None, "--solver", help="As in `bench run`."),
    overrides: list[str] = typer.Option([], "--set", help="An inference option of the method: --set beta=3"),
    split: str = typer.Option("test", "--split", help="Split of the data set."),
    checkpoint: str | None = typer.Option(None, "--checkpoint", help="Folder or hub id. Default: the bundled one."),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
    device: str = typer.Option("auto", "--device", help="cpu or cuda."),
    trust: bool = typer.Option(False, "--trust", help="Let configs and pickles from elsewhere run code."),
    out: Path = typer.Option(Path("sample.png"), "--out", "-o", help="The PNG file."),
) -> None:
    """Draw a grid: input, the method's output at each step count, what is real."""
    from ...symmflow.errors import InputError
    from ...symmflow.recipe import parse_overrides
    from ..records.record import write_atomically
    from ..run.plan import Request
    from ..run.sample import sample_grid

    if count < 1:
        raise InputError(f"--count must be at least 1, not {count}.")
    request = Request(
        methods=[method],
        tasks=[task],
        datasets=parse.names(dataset, "--dataset"),
        steps=parse.integers(steps, "--steps", minimum=1),
        seeds=[seed],
        solver=solver,
        options=parse_overrides(overrides),
        split=split,
        checkpoint=checkpoint,
        data_root=data_root,
        device=device,
        limit=count,
        trust=trust,
    )
    write_atomically(out, sample_grid(request))
    print(out)
