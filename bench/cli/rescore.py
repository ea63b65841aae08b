"""`bench rescore`: figures again from stored evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ..records.record import Metric


def rescore(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    write: bool = typer.Option(False, "--write", help="Keep the new figures in the records."),
    protocol: str | None = typer.Option(
        None, "--protocol", help="Score under another protocol (bench list protocols)."
    ),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="With --protocol: the folder for the new records. Default: results-NAME."
    ),
) -> None:
    """Compute every metric again from the evidence, without a network, and say what changed."""
    from ...symmflow.errors import InputError
    from ..compare.gate import identity
    from ..run.rescore import rescore as again

    if out and not protocol:
        raise InputError("--out goes with --protocol; without one, --write keeps the figures in their records.")
    if protocol and write:
        raise InputError("--write goes without --protocol; figures under another protocol go to --out.")
    target = (out or Path(f"results-{protocol}")) if protocol else None
    found = again(results or [Path("results")], write=write, protocol=protocol, out=target)
    for one in found.made:
        for name, (before, after) in one.changed.items():
            print(f"{identity(one.before)} {name}: {_shown(before)} -> {_shown(after)}")
    for record, reason in found.left:
        print(f"{identity(record)}: not from this evidence: {reason}")
    changed = sum(bool(one.changed) for one in found.made)
    kept = " and were written" if write and changed else ""
    where = f"; the records are in {target}" if target and found.made else ""
    left = f", {len(found.left)} left out" if found.left else ""
    print(f"{len(found.made)} cells: {changed} changed{kept}, {len(found.made) - changed} identical{left}{where}")
    if found.left and not protocol:  # evidence is missing or damaged
        raise typer.Exit(2)


def _shown(metric: Metric | None) -> str:
    if metric is None:
        return "absent"
    interval = "" if metric.low is None or metric.high is None else f" [{metric.low:.4g}, {metric.high:.4g}]"
    return f"{metric.value}{interval}"
