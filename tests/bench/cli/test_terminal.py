"""What reaches a terminal is what was meant."""

from __future__ import annotations

import io

from rich.table import Table

from symmbench.bench.cli.terminal import Console


def test_a_name_between_colons_is_no_picture() -> None:
    shown = io.StringIO()
    Console(file=shown, width=80).print("folder:cat: 12 images", highlight=False, markup=False)
    assert shown.getvalue() == "folder:cat: 12 images\n"


def test_a_string_is_no_markup() -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=80)
    console.print("all cells are in x [/b] [red]y", highlight=False)
    console.print(Table("fid[digits-cnn]", box=None), highlight=False)
    assert [line.strip() for line in shown.getvalue().splitlines()] == [
        "all cells are in x [/b] [red]y",
        "fid[digits-cnn]",
    ]
