"""`bench data`: data sets and judges' weights on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ...symmflow.files import write_atomically
from .. import api
from .options import takes
from .progress import bars, counting, print_table

if TYPE_CHECKING:
    from ...datasets.verify import Problem

app = typer.Typer(help="Get and verify data sets and judges' weights.", no_args_is_help=True)
ROOT = typer.Option(None, "--data-root", help="Where the files of the data set lie.")


@app.command("get")
def get(
    name: str = typer.Argument(..., help="A data set, or weights: inception, mobilenet-v2, lpips-alex, lpips-vgg."),
    data_root: Path | None = ROOT,
) -> None:
    """Fetch a data set or a judge's weights, verified."""
    from ..judges import weights

    if name not in weights.KNOWN:
        verify(name=name, data_root=data_root, as_json=False, splits=None)
        return
    with bars() as shown:
        task = shown.add_task(name, total=None, extra="")
        print(api.get(name, progress=lambda done, total: shown.update(task, completed=done, total=total or None)))


@app.command("verify")
@takes(api.verify)
def verify(
    name: str = typer.Argument(..., help="A data set."),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as JSON."),
    **fields: Any,
) -> None:
    """Read every file of a data set: counts, checksums, sizes, labels, classes. Exit code 1: something is wrong."""
    with counting() as progress:
        found = api.verify(name, progress=progress, **fields)
    if as_json:
        print(json.dumps(asdict(found) | {"whole": found.whole}, indent=2))
    else:
        for split in found.splits:
            hashes = f"ids {split.ids_sha256[:16]}" + (f", content {split.content_sha256}" * bool(split.content_sha256))
            print(f"{split.dataset} {split.split}: {split.n:,} samples, {hashes}")
            _print_problems(split.problems)
        _print_problems(found.problems)
        for note in found.notes:
            print(f"  note: {note}")
        if found.where:
            print(f"{'whole' if found.whole else 'NOT whole'}: {name}, {found.where}")
    if not found.whole:
        raise typer.Exit(1)


def _print_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        print(f"  {problem.kind}: {problem.said}")


@app.command("show")
@takes(api.show)
def show(
    name: str = typer.Argument(..., help="A data set."),
    out: Path | None = typer.Option(None, "--out", "-o", help="The PNG file. Default: NAME-SPLIT.png."),
    as_json: bool = typer.Option(False, "--json", help="Print the classes' frequencies as JSON."),
    **fields: Any,
) -> None:
    """Draw images, masks and a legend of the classes, and say how frequent each class is."""
    with counting() as progress:
        found = api.show(name, progress=progress, **fields)
    path = out or Path(f"{re.sub('[^A-Za-z0-9@.-]+', '-', found.dataset)}-{found.split}.png")
    write_atomically(path, found.picture)
    if as_json:
        facts = {field: value for field, value in vars(found).items() if field not in ("classes", "picture")}
        print(json.dumps(facts | {"classes": [vars(one) for one in found.classes], "picture": str(path)}, indent=2))
        return
    rows = [
        {"class": one.name, "count": f"{one.count:,}", "share": f"{one.share:.2%}", "in images": f"{one.images:,}"}
        for one in found.classes
    ]
    print_table(rows, f"{found.dataset} {found.split}: {found.counted:,} of {found.n:,} samples")
    print(path)
