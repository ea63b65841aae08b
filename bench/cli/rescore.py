"""`bench rescore`: figures again from stored evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import complete

if TYPE_CHECKING:
    from ..records import Figure


def rescore(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    write: bool = typer.Option(False, "--write", help="Keep the new figures in the records."),
    protocol: str | None = typer.Option(
        None,
        "--protocol",
        help="Score under another protocol (bench list protocols).",
        autocompletion=complete.of("protocol"),
    ),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="With --protocol: the folder for the new records. Default: results-NAME."
    ),
) -> None:
    """Compute every metric again from the evidence, without a network, and say what changed."""
    from .. import api
    from ..compare.naming import identity

    found = api.rescore(*(results or []), write=write, protocol=protocol, out=out)
    for one in found.made:
        for name, (before, after) in one.changed.items():
            print(f"{identity(one.before)} {name}: {_shown(before)} -> {_shown(after)}")
    for record, reason in found.left:
        print(f"{identity(record)}: not from this evidence: {reason}")
    changed = sum(bool(one.changed) for one in found.made)
    kept = " (not kept: --write)" if changed and not write and not protocol else ""
    left = f", {len(found.left)} not possible" if found.left else ""
    where = f", now in {found.out}" if found.out and found.made else ""
    print(f"{len(found.made)} cells: {changed} changed{kept}, {len(found.made) - changed} the same{left}{where}")
    if found.left and not protocol:  # evidence is missing or damaged
        raise typer.Exit(2)


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "absent"
    interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.4g}, {figure.high:.4g}]"
    return f"{figure.value}{interval}"
