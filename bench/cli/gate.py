"""`bench gate` and `bench baseline`: did anything get worse?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from .help import Command


class Format(StrEnum):
    text = "text"
    md = "md"
    json = "json"
    junit = "junit"
    github = "github"


def gate(
    baseline: Path = typer.Argument(..., help="A baseline file, or a folder of records."),
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    floors: Path | None = typer.Option(
        None, "--floors", help="TOML file of the smallest differences that matter, and of metrics that are advisory."
    ),
    strict: bool = typer.Option(False, "--strict", help="Exit code 1 also where a regression is not excluded."),
    form: Format = typer.Option(Format.text, "--format", help="text, md, json, junit or github."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Write there instead of standard output."),
) -> None:
    """Compare with a baseline. Exit code 0: no regression is shown; 1: one is; 2: not measured; 3: not comparable."""
    import os

    from ...reports import ci
    from ...symmflow.files import write_atomically
    from .. import api
    from .progress import rendered, stdout

    report = api.gate(baseline, *(results or []), floors=floors, strict=strict)
    page = report.page()
    if form is Format.text and out is None:
        stdout().print(ci.to_text(page))
        raise typer.Exit(report.exit_code)
    forms = {
        Format.md: ci.to_markdown,
        Format.json: ci.to_json,
        Format.junit: ci.to_junit,
        Format.github: ci.to_github,
    }
    text = rendered(ci.to_text(page)) if form is Format.text else forms[form](page)
    if out is not None:
        write_atomically(out, text)
        print(ci.summary(page))
    else:
        print(text)
    if form is Format.github and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        with Path(summary).open("a") as file:
            file.write(ci.to_markdown(page))
    raise typer.Exit(report.exit_code)


app = typer.Typer(help="Baselines: the small file that `bench gate` compares with.", no_args_is_help=True)


@app.command("save", cls=Command, epilog="bench baseline save bench-baseline.zip results")
def save(
    path: Path = typer.Argument(..., help="The file to write."),
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
) -> None:
    """Write the finished cells of a store, with what a comparison needs, to one small file."""
    from .. import api

    count = api.save_baseline(path, *(results or []))
    print(f"{path}: {count} cells, {path.stat().st_size / 1000:,.0f} kB")


@app.callback()
def group() -> None:
    """Keep `save` a sub-command although it is alone."""
