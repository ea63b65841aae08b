"""`bench report`: what was measured, as a file for a repository, a paper or a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ...symmflow.errors import InputError
from .. import api
from ..run.wanted import Wanted
from .options import takes

NAMES = [name for name in api.report.__annotations__ if name not in ("results", "form", "wanted", "return")]


@takes(Wanted)
@takes(api.report, *NAMES)
def report(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    form: str | None = typer.Option(
        None,
        "--format",
        metavar="FORMAT",
        help="html (one page that needs no network), md, latex (booktabs), or a row a cell and metric "
        "(`bench list columns`) as csv, parquet or json. Default: by the ending of --out; md, of --paper text.",
    ),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="The file to write; beside Markdown lies its picture. Default: standard output."
    ),
    **asked: Any,
) -> None:
    """Write what was measured as a page, Markdown, LaTeX, CSV, Parquet or JSON."""
    from ..compare.document import form_by_ending, form_of
    from .notes import say_replaced
    from .progress import print_blocks

    of = form_of(form) if form else "md" if out is None else form_by_ending(out)
    if of == "parquet" and out is None:
        raise InputError("Parquet is no text; give it a file with --out.")
    made = api.report(*(results or []), form=of, **asked)
    say_replaced(made.replaced)
    if out is not None:
        for path in made.write(out):
            print(path)
    elif made.blocks and form is None:
        print_blocks(made.blocks)
    elif isinstance(made.content, str):
        print(made.content, end="")
