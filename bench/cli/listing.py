"""`bench list`: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ...symmflow.names import one_line
from .. import api
from ..run.wanted import Wanted
from . import complete, parse
from .options import takes

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


SPARE = ("created", "n", "seed")
"""Columns of `runs` that a narrow terminal can do without, the first before the others."""
UNREADABLE = "unreadable"
KEY, MINUTE = 10, 16
"""Characters of a key that name its folder; of a time, to the minute."""


@takes(Wanted)
def listing(
    kind: str | None = typer.Argument(
        None, help="What to list. Default: what can be listed.", autocompletion=complete.of("kind")
    ),
    out: Path = typer.Option(Path("results"), "--out", "-o", help="Folder of the records, for `runs`."),
    status: str | None = typer.Option(None, "--status", help="Only these: ok, failed, unfinished, unreadable."),
    wide: bool = typer.Option(False, "--wide", help="All columns, however narrow the terminal: for a pager."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    **wanted: Any,
) -> None:
    """List methods, data sets, recipes, metrics, judges, protocols, papers, hub, baselines, columns, runs, support."""
    import json

    from .progress import print_table

    if kind is None:
        rows = [{"kind": name, "what": what} for name, what in WHAT.items()]
    else:
        rows = api.inventory(kind, out, status=parse.names(status, "--status"), **wanted)
    if as_json:
        print(json.dumps(rows, indent=2))
    elif kind == "runs":
        if (readable := [_short(row) for row in rows if row["status"] != UNREADABLE]) or not rows:
            print_table(readable, wide=wide, spare=SPARE)
        for row in rows:
            if row["status"] == UNREADABLE:
                print(f"unreadable: {one_line(row['created'])}")
    else:
        print_table(rows, wide=wide)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"key": row["key"][:KEY], "created": row["created"][:MINUTE]}
