"""`bench compare`: tables of finished cells."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from .. import api
from ..run.wanted import Wanted
from .options import takes


class Format(StrEnum):
    text = "text"
    md = "md"


class Against(StrEnum):
    published = "published"


NAMES = [name for name in api.compare.__annotations__ if name not in ("results", "published", "wanted", "return")]


@takes(Wanted)
@takes(api.compare, *NAMES)
def compare(
    results: list[Path] = typer.Argument(None, help="Folders of records. Default: results."),
    against: Against | None = typer.Option(
        None, "--against", help="published: the papers' own figures beside ours, with their caveats."
    ),
    form: Format = typer.Option(Format.text, "--format", help="text or md."),
    plot: Path | None = typer.Option(
        None, "--plot", help="Draw the curves over steps into this file: .png, .svg or .pdf."
    ),
    wide: bool = typer.Option(False, "--wide", help="Never in parts, however narrow the terminal: for a pager."),
    as_json: bool = typer.Option(False, "--json", help="Print the tables as JSON."),
    **asked: Any,
) -> None:
    """Tables of what was measured, one a protocol, with 95 % intervals and the papers' figures where they exist."""
    from ...reports.block import to_json, to_markdown
    from ...reports.curves import form_of
    from ...symmflow.files import write_atomically
    from .notes import say_replaced
    from .progress import print_blocks

    picture = "png" if plot is None else form_of(plot)
    found = api.compare(*(results or []), published=against is not None, **asked)
    say_replaced(found.replaced)
    if plot is not None:
        write_atomically(plot, found.curves(picture))
    if as_json:
        print(to_json(found.blocks))
    elif form is Format.md:
        print("\n".join(to_markdown(block) for block in found.blocks))
    else:
        print_blocks(found.blocks, wide=wide)
