"""`bench list`: what there is."""

from __future__ import annotations

from pathlib import Path

import typer

from . import complete

WHAT = {
    "methods": "what segments, classifies or synthesizes, and for which data a checkpoint is bundled",
    "datasets": "the data sets, their splits, and where their files come from",
    "recipes": "what `bench train` can train",
    "metrics": "what is measured, with its interval and the smallest difference that matters",
    "judges": "the independent networks that look at outputs",
    "papers": "the papers' tables that `bench report --paper` shows with ours beside them",
    "protocols": "how figures are measured, and where each departs from its paper",
    "support": "which method can do which task at 1, 5 and 25 steps",
    "hub": "models of others on the hub, mirrors and commits; checkpoints keep digests of what they were made with",
    "baselines": "segmenters that others have published for the papers' data sets, and how each is run",
    "columns": "what stands in the CSV, Parquet and JSON of `bench report`, and in `load`",
    "runs": "the finished, failed and unfinished cells of a store (--out)",
}


def listing(
    kind: str | None = typer.Argument(
        None, help="What to list. Default: what can be listed.", autocompletion=complete.of("kind")
    ),
    out: Path = typer.Option(Path("results"), "--out", "-o", help="Folder of the records, for `runs`."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List methods, data sets, recipes, metrics, judges, protocols, papers, hub, baselines, columns, runs, support."""
    import json

    from .. import api
    from .progress import print_table

    rows = [{"kind": name, "what": what} for name, what in WHAT.items()] if kind is None else api.inventory(kind, out)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)
