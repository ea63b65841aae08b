"""`bench doctor`: is this installation to be believed?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from ...symmflow.errors import InputError

MARKS = {True: ("ok", "green"), False: ("WRONG", "bold red"), None: ("–", "dim")}


def doctor(
    coverage: bool = typer.Option(
        False, "--coverage", help="Simulate instead how often the intervals cover, and comparisons cry wolf (an hour)."
    ),
    trials: int = typer.Option(1000, "--trials", help="With --coverage: trials a design."),
    quick: bool = typer.Option(False, "--quick", help="With --coverage: one small design a kind."),
    out: Path | None = typer.Option(None, "--out", "-o", help="With --coverage: write the table to this CSV file."),
    as_json: bool = typer.Option(False, "--json", help="Print the checks as JSON."),
) -> None:
    """Ask questions whose answers are known: metrics, noise, weights, methods. Exit code 1: an answer is wrong."""
    from .. import api
    from .progress import print_table, stdout

    if coverage:
        _coverage(trials, quick, out, as_json)
        return
    if quick or out:
        raise InputError("--quick and --out go with --coverage.")
    found = api.doctor()
    if as_json:
        print(json.dumps({"machine": found.machine, "checks": [asdict(c) for c in found.checks]}, indent=2))
    else:
        for name, value in found.machine.items():
            stdout().print(f"{name:24}{value}", highlight=False, markup=False)
        print_table([{"question": c.name, "": MARKS[c.ok], "answer": c.said} for c in found.checks])
    wrong = [c for c in found.checks if c.ok is False]
    if wrong:
        print(
            f"{len(wrong)} of {len(found.checks)} answers are wrong: do not trust figures of this installation.",
            file=sys.stderr,
        )
        raise typer.Exit(1)


def _coverage(trials: int, quick: bool, out: Path | None, as_json: bool) -> None:
    from ...symmflow.files import write_atomically
    from .. import api
    from ..checks.coverage import to_csv

    rows = []
    for row in api.coverage(trials=trials, quick=quick):
        if not as_json:
            share = f"{row.share:6.1%}" if row.told else "withheld"
            print(f"{share:8}  {row.measure:8}  {row.interval}: {row.estimand}, {row.design}", flush=True)
        rows.append(row)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    if out:
        write_atomically(out, to_csv(rows))
