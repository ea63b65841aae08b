"""`bench compare`: records side by side."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from . import parse


class Format(StrEnum):
    text = "text"
    md = "md"


def compare(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    task: str | None = typer.Option(None, "--task", "-t", help="Only these tasks."),
    dataset: str | None = typer.Option(None, "--dataset", "-d", help="Only these data sets."),
    form: Format = typer.Option(Format.text, "--format", help="text or md."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw the curves over steps into this PNG file."),
    as_json: bool = typer.Option(False, "--json", help="Print the tables as JSON."),
) -> None:
    """Tables of what was measured, one a protocol, with 95 % intervals and the papers' figures where they exist."""
    import json

    from ...reports.tables import to_json, to_markdown, to_rich
    from ..compare import read_records, tables
    from ..plan import task_name
    from .progress import stdout

    wanted = [task_name(t) for t in parse.names(task, "--task")]
    found = tables(read_records(results or [Path("results")]), wanted, parse.names(dataset, "--dataset"))
    if plot is not None:
        from ...reports.curves import steps_curves
        from ..records import write_atomically

        write_atomically(plot, steps_curves(found))
    if as_json:
        print(json.dumps([to_json(t) for t in found], indent=2))
    elif form is Format.md:
        print("\n".join(to_markdown(t) for t in found))
    else:
        for table in found:
            stdout().print(to_rich(table))
    seen: dict[tuple[str, str], int] = {}
    for t in found:
        seen[t.task, t.dataset] = seen.get((t.task, t.dataset), 0) + 1
    if not as_json and any(count > 1 for count in seen.values()):
        typer.echo("Tables of one task and data set have different protocols: do not compare across them.", err=True)
