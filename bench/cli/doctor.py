"""`bench doctor`: is this installation to be believed?"""

from __future__ import annotations

import sys

import typer


def doctor(as_json: bool = typer.Option(False, "--json", help="Print the checks as JSON.")) -> None:
    """Ask questions whose answers are known: metrics, noise, weights, methods. Exit code 1: an answer is wrong."""
    import json
    from dataclasses import asdict

    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ..checks.doctor import examine, machine
    from .progress import stdout

    facts, checks = machine(), list(examine())
    if as_json:
        print(json.dumps({"machine": facts, "checks": [asdict(c) for c in checks]}, indent=2))
    else:
        for name, value in facts.items():
            stdout().print(f"{name:24}{value}", highlight=False, markup=False)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("question", "", "answer"):
            table.add_column(column, overflow="fold")
        for c in checks:
            mark = {True: ("ok", "green"), False: ("WRONG", "bold red"), None: ("–", "dim")}[c.ok]
            table.add_row(c.name, Text(*mark), Text(c.said, style="" if c.ok is False else "dim"))
        stdout().print(table)
    wrong = [c for c in checks if c.ok is False]
    if wrong:
        print(
            f"{len(wrong)} of {len(checks)} answers are wrong: do not trust figures of this installation.",
            file=sys.stderr,
        )
        raise typer.Exit(1)
