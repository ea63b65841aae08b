"""`bench gap`: of what a difference of two figures is made."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from .. import api
from .options import takes


class Format(StrEnum):
    text = "text"
    md = "md"


@takes(api.gap)
def gap(
    a: str = typer.Argument(
        ..., help="The folder of a cell, its record.json, or the beginning of its key; `published`."
    ),
    b: str = typer.Argument(..., help="The other one."),
    results: list[Path] = typer.Argument(
        None, help="Folders of records: cells that lie between the two are looked for there too. Default: results."
    ),
    form: Format = typer.Option(Format.text, "--format", help="text or md."),
    as_json: bool = typer.Option(False, "--json", help="Print the parts as JSON."),
    **asked: Any,
) -> None:
    """Which part of the gap between two figures comes from what: sample count, rounding, seed.

    Parts that cells at hand measure one at a time; the rest is unexplained, with the commands that would measure it.
    """
    import json

    from ...reports.block import to_markdown
    from ..compare.budget import blocks, plain
    from .progress import print_blocks

    found = api.gap(a, b, *(results or []), **asked)
    if as_json:
        print(json.dumps(plain(found), indent=2))
    elif form is Format.md:
        print("\n".join(map(to_markdown, blocks(found))))
    else:
        print_blocks(blocks(found))
