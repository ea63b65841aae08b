"""`bench compare`: tables of finished cells."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ...symmflow.errors import InputError
from .. import api
from ..run.wanted import Wanted
from .options import takes

if TYPE_CHECKING:
    from ...reports.block import Block


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
    show: str | None = typer.Option(
        None,
        "--show",
        metavar="KEY",
        help="One record whole: by the beginning of its key or checkpoint, or its folder.",
    ),
    wide: bool = typer.Option(False, "--wide", help="Never in parts, however narrow the terminal: for a pager."),
    as_json: bool = typer.Option(False, "--json", help="Print the tables as JSON."),
    **asked: Any,
) -> None:
    """Tables of what was measured, one a protocol, with 95 % intervals and the papers' figures where they exist."""
    import json

    from ...reports.block import to_json
    from ...reports.curves import form_of
    from ...symmflow.files import write_atomically
    from .notes import say_replaced

    if show is not None:
        if any([*asked.values(), against, plot]):
            raise InputError("--show is of one record, with --format, --wide or --json; leave out what chooses cells.")
        one = api.record(show, *(results or []))
        if as_json:
            print(json.dumps(one.plain(), indent=2))
        else:
            _print(one.blocks(), form, wide)
        return
    picture = "png" if plot is None else form_of(plot)
    found = api.compare(*(results or []), published=against is not None, **asked)
    say_replaced(found.replaced)
    if plot is not None:
        write_atomically(plot, found.curves(picture))
    if as_json:
        print(to_json(found.blocks))
    else:
        _print(found.blocks, form, wide)


def _print(blocks: Sequence[Block], form: Format, wide: bool) -> None:
    from ...reports.block import to_markdown
    from .progress import print_blocks

    if form is Format.md:
        print("\n".join(map(to_markdown, blocks)))
    else:
        print_blocks(blocks, wide=wide)
