"""`bench compare`: tables of finished cells."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from .. import api
from .options import takes


class Format(StrEnum):
    text = "text"
    md = "md"


class Against(StrEnum):
    published = "published"


NAMES = [name for name in api.compare.__annotations__ if name not in ("results", "published", "return")]


@takes(api.compare, *NAMES)
def compare(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    against: Against | None = typer.Option(
        None, "--against", help="published: the papers' own figures beside ours, with their caveats."
    ),
    form: Format = typer.Option(Format.text, "--format", help="text or md."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw the curves over steps into this PNG file."),
    as_json: bool = typer.Option(False, "--json", help="Print the tables as JSON."),
    **asked: Any,
) -> None:
    """Tables of what was measured, one a protocol, with 95 % intervals and the papers' figures where they exist."""
    from ...reports.block import to_json, to_markdown
    from ...symmflow.files import write_atomically
    from .progress import print_blocks

    found = api.compare(*(results or []), published=against is not None, **asked)
    if found.replaced:
        print(
            f"note: {len(found.replaced)} cells were measured more than once, with other figures; the newest record "
            "counts (`bench gate OLD NEW` compares them).",
            file=sys.stderr,
        )
    if plot is not None:
        write_atomically(plot, found.curves())
    if as_json:
        print(to_json(found.blocks))
    elif form is Format.md:
        print("\n".join(to_markdown(block) for block in found.blocks))
    else:
        print_blocks(found.blocks)
