"""`bench data`: data sets and judges' weights on this machine."""

from __future__ import annotations

from pathlib import Path

import typer

from . import complete
from .help import Command

app = typer.Typer(help="Get and verify data sets and judges' weights.", no_args_is_help=True)
ROOT = typer.Option(None, "--data-root", help="Where the files of the data set lie.")


@app.command("get", cls=Command, epilog="bench data get inception")
def get(
    name: str = typer.Argument(
        ...,
        help="A data set, or weights: inception, mobilenet-v2, lpips-alex, lpips-vgg.",
        autocompletion=complete.of("data set or weights"),
    ),
    data_root: Path | None = ROOT,
) -> None:
    """Fetch a data set or a judge's weights, verified."""
    from .. import api
    from ..judges import weights
    from .progress import bars

    if name not in weights.KNOWN:
        verify(name, data_root)
        return
    with bars() as shown:
        task = shown.add_task(name, total=None, extra="")
        print(api.get(name, progress=lambda done, total: shown.update(task, completed=done, total=total or None)))


@app.command("verify", cls=Command, epilog="bench data verify mnist --data-root ~/mnist")
def verify(
    name: str = typer.Argument(..., help="A data set.", autocompletion=complete.of("dataset")),
    data_root: Path | None = ROOT,
) -> None:
    """Read every split of a data set and print its counts and hashes."""
    from .. import api

    for found in api.verify(name, data_root=data_root):
        hashes = f"ids {found.ids_sha256[:16]}, content {found.content_sha256}"
        print(f"{found.dataset} {found.split}: {len(found):,} samples, {hashes}")
