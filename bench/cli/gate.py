"""`bench gate` and `bench baseline`: did anything get worse?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Format(StrEnum):
    text = "text"
    md = "md"
    json = "json"
    junit = "junit"
    github = "github"


def gate(
    baseline: Path = typer.Argument(..., help="A baseline file, or a folder of records."),
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    floors: Path | None = typer.Option(None, "--floors", help="TOML file of the smallest differences that matter."),
    form: Format = typer.Option(Format.text, "--format", help="text, md, json, junit or github."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Write there instead of standard output."),
) -> None:
    """Compare with a baseline. Exit code 0: nothing worse; 1: a regression; 2: not measured; 3: not comparable."""
    import os

    from rich.console import Console

    from ...reports import ci as gates
    from ..compare import baseline as baselines
    from ..compare.difference import read_floors
    from ..compare.gate import gate as judge
    from ..compare.rows import read_stored
    from ..records.record import write_atomically
    from .progress import stdout

    found = results or [Path("results")]
    with baselines.opened(baseline) as (stored, folders):
        report = judge(stored, read_stored(found), read_floors(floors), [*folders, *found])
    if form is Format.text and out is None:
        stdout().print(gates.to_text(report))
        raise typer.Exit(report.exit_code)
    if form is Format.text:
        console = Console(width=160, record=True, quiet=True)
        console.print(gates.to_text(report))
        text = console.export_text()
    else:
        text = {
            Format.md: gates.to_markdown,
            Format.json: gates.to_json,
            Format.junit: gates.to_junit,
            Format.github: gates.to_github,
        }[form](report)
    if out is not None:
        write_atomically(out, text)
        print(gates.summary(report))
    else:
        print(text)
    if form is Format.github and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        with Path(summary).open("a") as file:
            file.write(gates.to_markdown(report))
    raise typer.Exit(report.exit_code)


app = typer.Typer(help="Baselines: the small file that `bench gate` compares with.", no_args_is_help=True)


@app.command("save")
def save(
    path: Path = typer.Argument(..., help="The file to write."),
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
) -> None:
    """Write the finished cells of a store, with what a comparison needs, to one small file."""
    from ..compare import baseline as baselines

    count = baselines.save(results or [Path("results")], path)
    print(f"{path}: {count} cells, {path.stat().st_size / 1000:,.0f} kB")


@app.callback()
def group() -> None:
    """Keep `save` a sub-command although it is alone."""
