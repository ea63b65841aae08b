"""`bench data`: data sets and judges' weights on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ...symmflow.errors import InputError
from ..run.request import Request
from .options import takes

app = typer.Typer(help="Get and verify data sets and judges' weights.", no_args_is_help=True)
ROOT = typer.Option(None, "--data-root", help="Where the files of the data set lie.")


@app.command("get")
@takes(Request)
def get(
    names: list[str] | None = typer.Argument(
        None, help="Data sets, hf:OWNER/NAME, or weights: inception, mobilenet-v2, lpips-alex, lpips-vgg."
    ),
    for_run: bool = typer.Option(
        False, "--for", help="All that `bench run` with the options that follow needs, to run without a network."
    ),
    **fields: Any,
) -> None:
    """Fetch data sets and weights, resumed and verified; or say what to fetch by hand, and where to put it."""
    from .. import api
    from .progress import fetching

    if bool(names) == for_run:
        raise InputError("name what to get, or give --for and the options of a `bench run`.")
    with fetching() as progress:
        if for_run:
            for need in api.get_for(**fields, progress=progress):
                print(f"{need.kind} {need.name}: {need.path or 'nothing to get, code makes it'}")
        for name in names or ():
            path = api.get(name, data_root=fields["data_root"], progress=progress)
            print(f"{name}: {path or 'nothing to get, code makes it'}")


@app.command("verify")
def verify(name: str = typer.Argument(..., help="A data set."), data_root: Path | None = ROOT) -> None:
    """Read every split of a data set and print its counts and hashes."""
    from .. import api

    for found in api.verify(name, data_root=data_root):
        hashes = f"ids {found.ids_sha256[:16]}, content {found.content_sha256}"
        print(f"{found.dataset} {found.split}: {len(found):,} samples, {hashes}")
