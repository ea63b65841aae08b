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
    from dataclasses import asdict

    from ...reports.tables import findings_markdown, findings_rich, to_json, to_markdown, to_rich
    from ..compare import read_stored, tables
    from ..findings import findings
    from ..plan import task_name
    from .progress import stdout

    wanted = [task_name(t) for t in parse.names(task, "--task")]
    stored = read_stored(results or [Path("results")])
    found = tables([record for record, _ in stored], wanted, parse.names(dataset, "--dataset"))
    shown = {(t.task, t.dataset) for t in found}
    claims = findings([s for s in stored if (s[0].task, s[0].dataset) in shown])
    if plot is not None:
        from ...reports.curves import steps_curves
        from ..records import write_atomically

        write_atomically(plot, steps_curves(found))
    if as_json:
        print(json.dumps({"tables": [to_json(t) for t in found], "findings": [asdict(f) for f in claims]}, indent=2))
    elif form is Format.md:
        print("\n".join([*(to_markdown(t) for t in found), findings_markdown(claims)]))
    else:
        for table in found:
            stdout().print(to_rich(table))
        if claims:
            stdout().print(findings_rich(claims))
    seen: dict[tuple[str, str], int] = {}
    for t in found:
        seen[t.task, t.dataset] = seen.get((t.task, t.dataset), 0) + 1
    if not as_json and any(count > 1 for count in seen.values()):
        typer.echo("Tables of one task and data set have different protocols: do not compare across them.", err=True)
