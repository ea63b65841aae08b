"""`bench run`: evaluate methods over tasks, data sets, step counts and seeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ...symmflow.errors import InputError
from ...symmflow.names import one_line
from ..run.request import Request
from ..run.share import Share
from .options import takes
from .remedies import remedied

if TYPE_CHECKING:
    from ..compare.records import Records
    from ..records import Stored


@takes(Request)
def run(as_json: bool = typer.Option(False, "--json", help="Print the records as JSON."), **fields: Any) -> None:
    """Evaluate methods. The same command again evaluates only what is missing, or what other code made."""
    from .. import api
    from ..records import dumps
    from .progress import print_blocks
    from .sweeping import sweep_progress

    share = Share.of(fields["part"], fields["force"], os.environ)
    try:
        with sweep_progress(silent=not share.speaks) as progress:
            outcome = api.run(**fields, progress=progress)
    except InputError as error:
        if share.speaks:
            raise
        print(f"failed: {share.title}: {one_line(remedied(error))}", file=sys.stderr)
        raise typer.Exit from None  # the first process makes its shards, or says the same
    for line in outcome.broken:
        print(f"failed: {line}", file=sys.stderr)
    if not share.speaks:  # the first process has the verdict; a launcher ends them all with one that ends otherwise
        raise typer.Exit
    if as_json:
        print(dumps(outcome))
    elif share.gathers:
        print_blocks(outcome.blocks())
    for cell in outcome.unsupported:
        at = f" at {cell.steps} step{'s' if cell.steps > 1 else ''}" if cell.steps else ""
        what = "failed" if cell.broken else "unsupported"
        print(f"{what}: {cell.method} {cell.task}{at} on {cell.dataset}: {cell.reason}.", file=sys.stderr)
    if share.gathers:
        _sum_up(outcome, fields["out"], "" if share.alone else "here, ")
    if outcome.failed or outcome.broken or any(cell.broken for cell in outcome.unsupported):
        raise typer.Exit(1)


def _sum_up(outcome: Records, out: Path, where: str) -> None:
    from .progress import console

    total, evaluated = len(outcome), f"evaluated {outcome.evaluated:,} samples {where}in"
    if outcome.evaluated == 0 and outcome.reused == total:
        scored = f", {outcome.rescored} scored again" if outcome.rescored else ""
        console.print(
            f"nothing to evaluate: all {total} cells are in {out}{scored} (--force evaluates them again).",
            highlight=False,
        )
    else:
        print(
            f"{evaluated if outcome.evaluated else 'gathered'} {total - outcome.reused} cells; "
            f"{outcome.reused} were in {out}.",
            file=sys.stderr,
        )
    if outcome.failed:
        print(f"{len(outcome.failed)} of {total} cells failed:", file=sys.stderr)
        for said, cells in failures(outcome.cells).items():
            more = f" (and in {len(cells) - 1} more)" if cells[1:] else ""
            print(f"{said}; the traceback lies in {cells[0].folder / 'record.json'}{more}.", file=sys.stderr)


def failures(cells: Sequence[Stored]) -> dict[str, list[Stored]]:
    """The failed cells by what is said of them: whose, and the last line of what went wrong."""
    found: dict[str, list[Stored]] = {}
    for cell in cells:
        if (record := cell.record).status == "failed":
            found.setdefault(f"{record.method} {record.task} on {record.dataset}: {record.failure}", []).append(cell)
    return found
