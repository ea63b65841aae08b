"""`bench reproduce`: does a record come out again?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from .. import api
from .options import takes


@takes(api.reproduce)
def reproduce(
    record: Path = typer.Argument(..., help="The folder of a cell, or its record.json."), **asked: Any
) -> None:
    """Evaluate the cell of a record again. Exit code 1 if the figures do not come out."""
    from ..compare.naming import identity
    from ..run.reproduce import ROUNDING
    from .sweeping import sweep_progress

    with sweep_progress() as progress:
        found = api.reproduce(record, progress=progress, **asked)
    for name, (gap, share) in found.off.items():
        of_width = "" if share is None else f", {share:.2g} of its interval's width"
        said = f"{gap:+.3g}{of_width}" if name in found.after.metrics else "absent now"
        print(f"{name}: {found.before.metrics[name].value} {said}")
    said = {
        "bit for bit": "comes out bit for bit",
        "to rounding": f"comes out to rounding: every metric within {ROUNDING:.0%} of its interval's width",
        "no": "does not come out",
    }[found.verdict]
    print(f"{identity(found.before)} {said}.")
    if changed := found.before.outputs.changed(found.after.outputs):
        print(f"It was evaluated by other code: {changed}.")
    if found.mixed:
        print(found.mixed)
    if found.verdict == "no":
        raise typer.Exit(1)
