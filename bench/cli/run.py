"""`bench run`: evaluate methods over tasks, data sets, step counts and seeds."""

from __future__ import annotations

import sys
from typing import Any

import typer

from ..run.request import Request
from .options import takes


@takes(Request)
def run(as_json: bool = typer.Option(False, "--json", help="Print the records as JSON."), **fields: Any) -> None:
    """Evaluate methods. The same command again evaluates only what is missing, or what other code made."""
    from .. import api
    from ..records import dumps
    from .progress import console, print_blocks, sweep_progress

    with sweep_progress(quiet=as_json) as progress:
        outcome = api.run(**fields, progress=progress)
    if as_json:
        print(dumps(outcome))
    else:
        print_blocks(outcome.blocks())
    for cell in outcome.unsupported:
        at = f" at {cell.steps} step{'s' if cell.steps > 1 else ''}" if cell.steps else ""
        print(f"unsupported: {cell.method} {cell.task}{at} on {cell.dataset}: {cell.reason}.", file=sys.stderr)
    total, out = len(outcome), fields["out"]
    if outcome.evaluated == 0 and outcome.reused == total:
        scored = f", {outcome.rescored} scored again" if outcome.rescored else ""
        console.print(
            f"nothing to evaluate: all {total} cells are in {out}{scored} (--force evaluates them again).",
            highlight=False,
        )
    else:
        print(
            f"evaluated {outcome.evaluated:,} samples in {total - outcome.reused} cells; "
            f"{outcome.reused} were in {out}.",
            file=sys.stderr,
        )
    if outcome.failed:
        print(f"{len(outcome.failed)} of {total} cells failed; the tracebacks are in their records.", file=sys.stderr)
        raise typer.Exit(1)
