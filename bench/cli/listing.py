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
    hub = "hub"
    runs = "runs"


WHAT = {
    Kind.methods: "what segments, classifies or synthesizes, and for which data a checkpoint is bundled",
    Kind.datasets: "the data sets, their splits, and where their files come from",
    Kind.recipes: "what `bench train` can train",
    Kind.metrics: "what is measured, with its interval and the smallest difference that matters",
    Kind.judges: "the independent networks that look at outputs",
    Kind.protocols: "how figures are measured, and where each departs from its paper",
    Kind.support: "which method can do which task at 1, 5 and 25 steps",
    Kind.hub: "models of others on the hub, mirrors and commits; checkpoints keep digests of what they were made with",
    Kind.runs: "the finished, failed and unfinished cells of a store (--out)",
}


def listing(
    kind: Kind | None = typer.Argument(None, help="What to list. Default: what can be listed."),
    out: Path = typer.Option(Path("results"), "--out", "-o", help="Folder of the records, for `runs`."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List methods, data sets, recipes, metrics, judges, protocols, who can do what, models on the hub, or runs."""
    import json

    from .. import api
    from .progress import print_table

    rows = [{"kind": k.value, "what": what} for k, what in WHAT.items()] if kind is None else api.inventory(kind, out)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)
