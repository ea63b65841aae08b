"""`bench compare`: records side by side."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from . import parse


class Format(StrEnum):
    text = "text"
    md = "md"


def compare(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    task: str | None = typer.Option(None, "--task", "-t", help="Only these tasks."),
    dataset: str | None = typer.Option(None, "--dataset", "-d", help="Only these data sets."),
    baseline: str | None = typer.Option(
        None, "--baseline", help="Judge every row against this method at equal steps, or against one row: symmflow@1."
    ),
    floors: Path | None = typer.Option(None, "--floors", help="TOML file of the smallest differences that matter."),
    form: Format = typer.Option(Format.text, "--format", help="text or md."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw the curves over steps into this PNG file."),
    as_json: bool = typer.Option(False, "--json", help="Print the tables as JSON."),
) -> None:
    """Tables of what was measured, one a protocol, with 95 % intervals and the papers' figures where they exist."""
    import json
    from dataclasses import asdict

    from ...reports.tables import (
        findings_markdown,
        findings_rich,
        judged_json,
        judged_markdown,
        judged_rich,
        to_json,
        to_markdown,
        to_rich,
    )
    from ..compare import read_stored, tables
    from ..difference import read_floors
    from ..findings import findings
    from ..judge import judge
    from ..plan import task_name
    from .progress import stdout

    wanted = [task_name(t) for t in parse.names(task, "--task")]
    stored = read_stored(results or [Path("results")])
    found = tables([record for record, _ in stored], wanted, parse.names(dataset, "--dataset"))
    shown = {(t.task, t.dataset) for t in found}
    claims = findings([s for s in stored if (s[0].task, s[0].dataset) in shown])
    judged = judge(found, stored, baseline, read_floors(floors)) if baseline else []
    if plot is not None:
        from ...reports.curves import steps_curves
        from ..records import write_atomically

        write_atomically(plot, steps_curves(found))
    if as_json:
        shown_json: dict[str, Any] = {"tables": [to_json(t) for t in found], "findings": [asdict(f) for f in claims]}
        if baseline:
            shown_json["verdicts"] = [v for j in judged for v in judged_json(j)]
        print(json.dumps(shown_json, indent=2))
    elif form is Format.md:
        print("\n".join([*map(to_markdown, found), *map(judged_markdown, judged), findings_markdown(claims)]))
    else:
        for table in found:
            stdout().print(to_rich(table))
        for against in judged:
            stdout().print(judged_rich(against))
        if claims:
            stdout().print(findings_rich(claims))
    seen: dict[tuple[str, str], int] = {}
    for t in found:
        seen[t.task, t.dataset] = seen.get((t.task, t.dataset), 0) + 1
    if not as_json and any(count > 1 for count in seen.values()):
        typer.echo("Tables of one task and data set have different protocols: do not compare across them.", err=True)
