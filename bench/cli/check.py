"""`bench check`: does a method keep the rules of the interface?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import typer

from .. import api
from . import complete
from .options import takes

MARKS = {True: ("ok", "green"), False: ("FAILED", "bold red"), None: ("–", "dim")}


@takes(api.check)
def check(
    method: str = typer.Argument(..., help="A method.", autocompletion=complete.of("method")),
    as_json: bool = typer.Option(False, "--json", help="Print the checks as JSON."),
    **asked: Any,
) -> None:
    """Run a method on a few samples; check shapes, ranges, repeatability, cost, refusals. Exit code 1: one failed."""
    from .progress import print_table

    found = api.check(method, **asked)
    if as_json:
        print(json.dumps({name: [asdict(c) for c in checks] for name, checks in found.items()}, indent=2))
    else:
        for name, checks in found.items():
            rows = [{"task": c.task, "rule": c.rule, "": MARKS[c.ok], "found": c.said} for c in checks]
            print_table(rows, title=f"{method} on {name}")
    failed = sum(c.ok is False for checks in found.values() for c in checks)
    if failed:
        print(f"{failed} checks failed.", file=sys.stderr)
        raise typer.Exit(1)
