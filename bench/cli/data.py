"""`bench data`: data sets and evaluator weights on this machine."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(help="Get and verify data sets and evaluator weights.", no_args_is_help=True)


@app.command("get")
def get(
    name: str = typer.Argument(..., help="A data set, or weights: inception, mobilenet-v2, lpips-alex, lpips-vgg."),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
) -> None:
    """Fetch a data set or an evaluator's weights, verified."""
    from ..judges import weights

    if name in weights.KNOWN:
        from .progress import bars

        with bars() as shown:
            task = shown.add_task(name, total=None, extra="")
            path = weights.get(name, lambda done, total: shown.update(task, completed=done, total=total or None))
        print(path)
    else:
        verify(name, data_root)


@app.command("verify")
def verify(
    name: str = typer.Argument(..., help="A data set."),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
) -> None:
    """Read every split of a data set and print its counts and hashes."""
    from ... import datasets
    from ...symmflow.errors import unknown
    from ..judges import weights

    if name not in datasets.names():
        raise unknown("data set or weights", name, [*datasets.names(), *weights.KNOWN])
    for split in datasets.card(name).splits:
        data = datasets.load(name, split, data_root)
        print(f"{name} {split}: {len(data):,} samples, ids {data.ids_sha256[:16]}, content {data.content_sha256[:16]}")
