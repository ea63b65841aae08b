"""`bench list`: what there is."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Kind(StrEnum):
    methods = "methods"
    datasets = "datasets"
    recipes = "recipes"
    metrics = "metrics"
    judges = "judges"
    protocols = "protocols"
    support = "support"
    published = "published"
    runs = "runs"


def listing(
    kind: Kind = typer.Argument(..., help="What to list."),
    out: Path = typer.Option(Path("results"), "--out", "-o", help="Folder of the records, for `runs`."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show methods, data sets, recipes, metrics, judges, protocols, who can do what, published models, or runs."""
    import json

    from .. import api
    from .progress import print_table

    rows = api.inventory(kind.value, out)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)
