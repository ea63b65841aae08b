"""`bench data`: data sets and weights on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ...symmflow.errors import InputError
from ...symmflow.files import write_atomically
from .. import api
from ..run.request import Request
from . import complete, parse
from .help import Command
from .options import takes

if TYPE_CHECKING:
    from ...datasets.verify import Problem

app = typer.Typer(help="Get and verify data sets and weights.", no_args_is_help=True)
DATASET, GETTABLE = complete.of("dataset"), complete.of("data set or weights")
GET = """
bench data get inception
bench data get --for --dataset camvid --task ss --method unet
"""


@app.command("get", cls=Command, epilog=GET)
@takes(Request)
def get(
    names: list[str] | None = typer.Argument(
        None,
        help="Data sets, hf:OWNER/NAME, or weights: inception, mobilenet-v2, lpips-alex, lpips-vgg, taef2.",
        autocompletion=GETTABLE,
    ),
    for_run: bool = typer.Option(
        False, "--for", help="All that `bench run` with the options that follow needs, to run without a network."
    ),
    **fields: Any,
) -> None:
    """Fetch data sets and weights, resumed and verified; or say what to fetch by hand, and where to put it."""
    from .progress import fetching

    if bool(names) == for_run:
        raise InputError("name what to get, or give --for and the options of a `bench run`.")
    with fetching() as progress:
        if for_run:
            for need in api.get_for(**fields, progress=progress):
                print(f"{need.kind} {need.name}: {need.path or 'nothing to get, code makes it'}")
        for name in names or ():
            path = api.get(name, data_root=fields["data_root"], progress=progress)
            print(f"{name}: {path or 'nothing to get, code makes it'}")


@app.command("verify", cls=Command, epilog="bench data verify mnist --data-root ~/mnist")
@takes(Request, "data_root")
def verify(
    name: str = typer.Argument(..., help="A data set.", autocompletion=DATASET),
    split: str | None = typer.Option(None, "--split", help="Only this split, or several, comma separated."),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as JSON."),
    **fields: Any,
) -> None:
    """Read every file of a data set: counts, checksums, sizes, labels, classes. Exit code 1: something is wrong."""
    from .progress import counting

    with counting() as progress:
        found = api.verify(name, splits=parse.names(split, "--split"), progress=progress, **fields)
    if as_json:
        print(json.dumps(asdict(found) | {"whole": found.whole}, indent=2))
    else:
        for one in found.splits:
            hashes = {"ids": one.ids_sha256[:16], "content": one.content_sha256}
            known = "".join(f", {what} {value}" for what, value in hashes.items() if value)
            print(f"{one.dataset} {one.split}: {one.n:,} samples{known}")
            _print_problems(one.problems)
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


@app.command("show", cls=Command, epilog="bench data show camvid --data-root ~/CamVid --size 96x128")
@takes(Request, "data_root", "size", "crop", "split")
def show(
    name: str = typer.Argument(..., help="A data set.", autocompletion=DATASET),
    count: int = typer.Option(8, "--count", "-n", help="Samples in the picture, spread over the split."),
    out: Path | None = typer.Option(None, "--out", "-o", help="The PNG file. Default: NAME-SPLIT.png."),
    as_json: bool = typer.Option(False, "--json", help="Print the classes' frequencies as JSON."),
    **fields: Any,
) -> None:
    """Draw images, masks and a legend of the classes, and say how frequent each class is."""
    from .progress import counting, print_table

    with counting() as progress:
        found = api.show(name, count=count, progress=progress, **fields)
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


@app.command("prepare", cls=Command, epilog="bench data prepare camvid --data-root ~/CamVid --size 96x128")
@takes(Request, "data_root", "size", "crop", "split", "workers")
def prepare(
    name: str = typer.Argument(..., help="A data set in files.", autocompletion=DATASET), **fields: Any
) -> None:
    """Decode and resize images once, so that every later run at this size reads them at once."""
    from .progress import counting

    with counting() as report:
        for found in api.prepare(name, **fields, progress=report):
            size = f"{found.size / 2**20:,.0f} MiB"
            print(f"{found.dataset} {found.split}: {found.samples:,} samples, {size} in {found.folder}")


@app.command("init", cls=Command, epilog="bench data init ~/street")
def init(path: Path = typer.Argument(..., help="A folder of images.")) -> None:
    """Begin the dataset.toml of your own folder: classes, palette, splits, licence."""
    print(f"{api.init(path)}: complete the names of the classes, the licence and the splits.")
