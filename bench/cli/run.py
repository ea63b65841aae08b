"""`bench run`: evaluate methods over tasks, data sets, step counts and seeds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from ..run.request import Request
from .options import takes

if TYPE_CHECKING:
    from ..records import Stored


@takes(Request)
def run(as_json: bool = typer.Option(False, "--json", help="Print the records as JSON."), **fields: Any) -> None:
    """Evaluate methods. The same command again evaluates only what is missing, or what other code made."""
    from .. import api
    from ..records import dumps
    from .progress import console, print_blocks
    from .sweeping import sweep_progress

    with sweep_progress() as progress:
        outcome = api.run(**fields, progress=progress)
    if as_json:
        print(dumps(outcome))
    else:
        print_blocks(outcome.blocks())
    for cell in outcome.unsupported:
        at = f" at {cell.steps} step{'s' if cell.steps > 1 else ''}" if cell.steps else ""
        what = "failed" if cell.broken else "unsupported"
        print(f"{what}: {cell.method} {cell.task}{at} on {cell.dataset}: {cell.reason}.", file=sys.stderr)
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
        print(f"{len(outcome.failed)} of {total} cells failed:", file=sys.stderr)
        for said, cells in failures(outcome.cells).items():
            more = f" (and in {len(cells) - 1} more)" if cells[1:] else ""
            print(f"{said}; the traceback lies in {cells[0].folder / 'record.json'}{more}.", file=sys.stderr)
    if outcome.failed or any(cell.broken for cell in outcome.unsupported):
        raise typer.Exit(1)


def failures(cells: Sequence[Stored]) -> dict[str, list[Stored]]:
    """The failed cells by what is said of them: whose, and the last line of what went wrong."""
    found: dict[str, list[Stored]] = {}
    for cell in cells:
        if (record := cell.record).status == "failed":
            found.setdefault(f"{record.method} {record.task} on {record.dataset}: {record.failure}", []).append(cell)
    return found
