"""`bench check`: does a method keep the rules of the interface?"""

from __future__ import annotations

import sys
from pathlib import Path

import typer


def check(
    method: str = typer.Argument(..., help="A method."),
    dataset: str | None = typer.Option(
        None, "--dataset", "-d", help="Data set. Default: all for which it has a bundled checkpoint."
    ),
    checkpoint: str | None = typer.Option(None, "--checkpoint", help="Folder or hub id. Default: the bundled one."),
    data_root: Path | None = typer.Option(None, "--data-root", help="Where the files of the data set lie."),
    device: str = typer.Option("cpu", "--device", help="cpu compares with CUDA where there is one."),
    trust: bool = typer.Option(False, "--trust", help="Let configs and pickles from elsewhere run code."),
    as_json: bool = typer.Option(False, "--json", help="Print the checks as JSON."),
) -> None:
    """Run a method on a few samples; check shapes, ranges, repeatability, cost, refusals. Exit code 1: one failed."""
    import json
    from dataclasses import asdict

    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ... import datasets, methods
    from ...symmflow.errors import InputError
    from ..checks.conformance import check_method
    from ..run.sweep import exact_kernels, resolve_device
    from .progress import stdout

    methods.method(method)
    bundled = [n for n in datasets.names() if method in methods.bundled(n) and "test" in datasets.card(n).splits]
    wanted = [dataset] if dataset else bundled
    if checkpoint and not dataset:
        opened = methods.checkpoint(method, "", checkpoint, trust)
        wanted = [] if isinstance(opened, methods.Foreign) else [opened.recipe.dataset]
    if not wanted:
        raise InputError(
            f"on what data is {method} to be checked? Give --dataset (and --checkpoint, if none is bundled)."
        )
    exact_kernels()
    where = resolve_device(device)
    found = {name: check_method(method, name, checkpoint, data_root, where, trust) for name in wanted}
    if as_json:
        print(json.dumps({name: [asdict(c) for c in checks] for name, checks in found.items()}, indent=2))
    else:
        for name, checks in found.items():
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=Text(f"{method} on {name}"), title_justify="left")
            for column in ("task", "rule", "", "found"):
                table.add_column(column)
            for c in checks:
                mark = {True: ("ok", "green"), False: ("FAILED", "bold red"), None: ("–", "dim")}[c.ok]
                table.add_row(c.task, c.rule, Text(*mark), Text(c.said))
            stdout().print(table)
    failed = sum(c.ok is False for checks in found.values() for c in checks)
    if failed:
        print(f"{failed} checks failed.", file=sys.stderr)
        raise typer.Exit(1)
