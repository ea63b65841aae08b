"""`bench data`: data sets and judges' weights on this machine."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(help="Get and verify data sets and judges' weights.", no_args_is_help=True)
ROOT = typer.Option(None, "--data-root", help="Where the files of the data set lie.")


@app.command("get")
def get(
    name: str = typer.Argument(..., help="A data set, or weights: inception, mobilenet-v2, lpips-alex, lpips-vgg."),
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
        print(api.get(name, progress=lambda _, done, total: shown.update(task, completed=done, total=total or None)))


@app.command("verify")
def verify(name: str = typer.Argument(..., help="A data set."), data_root: Path | None = ROOT) -> None:
    """Read every split of a data set and print its counts and hashes."""
    from .. import api

    for found in api.verify(name, data_root=data_root):
        hashes = f"ids {found.ids_sha256[:16]}, content {found.content_sha256}"
        print(f"{found.dataset} {found.split}: {len(found):,} samples, {hashes}")
