"""`bench rescore`: figures again from stored evidence."""

from __future__ import annotations

from pathlib import Path

import typer


def rescore(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    write: bool = typer.Option(False, "--write", help="Keep the new figures in the records."),
) -> None:
    """Compute every metric again from the evidence, without a network, and say what changed."""
    from ..gate import identity
    from ..rescore import rescore as again

    found = again(results or [Path("results")], write=write)
    for one in found:
        for name, (before, after) in one.changed.items():
            print(f"{identity(one.before)} {name}: {before} -> {after}")
    changed = sum(bool(one.changed) for one in found)
    kept = " and were written" if write and changed else ""
    print(f"{len(found)} cells: {changed} changed{kept}, {len(found) - changed} identical")
