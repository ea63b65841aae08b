"""Tables on terminals of every width."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from symmbench.reports.block import Block, to_rich
from symmbench.reports.narrow import fits, turned

HEADERS = ("method", "params", "steps", "miou ↑", "pixel_accuracy ↑", "fw_iou ↑", "images/s")
ROWS = [
    [f"symmflow[{kind}]", size, n, f"72.{n} [71.1, 74.6]", f"95.{n} [95.0, 95.9]", "93.9 [93.5, 94.3]", f"{n}38"]
    for kind, size in (("a", "0.73M"), ("b", "0.81M"))
    for n in ("1", "25")
]  # fmt: skip


def shown(width: int) -> str:
    text = io.StringIO()
    Console(width=width, file=text).print(to_rich(Block("tables", "A table", HEADERS, ROWS, [])))
    return text.getvalue()


@pytest.mark.parametrize("width", [200, 100, 80, 60, 50])
def test_no_figure_is_broken_and_none_is_lost(width: int) -> None:
    text = shown(width)
    assert max(map(len, text.splitlines())) <= width
    for row in ROWS:
        assert all(cell in text for cell in row)
    assert all(header in text for header in HEADERS)


@pytest.mark.parametrize("width", [200, 80, 50])
def test_every_part_tells_its_rows_apart(width: int) -> None:
    parts = re.split(r"\n *method ", shown(width))[1:]
    assert (len(parts) == 1) == (width == 200)
    for part in parts:
        rows = [line.split() for line in part.splitlines() if "symmflow" in line]
        assert len(rows) == 4 and "steps" in part
        assert len({(row[0], row[2 if "params" in part else 1]) for row in rows}) == 4


def test_costs_are_in_the_first_part_and_a_papers_figure_beside_ours() -> None:
    headers = [*HEADERS[:5], "paper", *HEADERS[5:]]
    text = io.StringIO()
    rows = [[*row[:5], "95.5", *row[5:]] for row in ROWS]
    Console(width=64, file=text).print(to_rich(Block("tables", "A table", headers, rows, [])))
    heads = [line.split() for line in text.getvalue().splitlines() if line.startswith("method")]
    assert heads == [
        ["method", "params", "steps", "miou", "↑", "images/s"],
        ["method", "steps", "pixel_accuracy", "↑", "paper", "fw_iou", "↑"],
    ]


def test_what_all_rows_share_is_said_once_where_room_is_short() -> None:
    text = io.StringIO()
    rows = [["cnn", "symmflow@1", f"a sentence of several words {i}", "worse"] for i in (1, 2)]
    block = Block("verdicts", "A table", ["method", "against", "metric", "verdict"], rows, [], left=(0, 1, 2, 3))
    Console(width=36, file=text).print(to_rich(block))
    assert text.getvalue().splitlines()[1] == "against: symmflow@1; verdict: worse"
    assert text.getvalue().count("symmflow@1") == 1


def test_what_is_said_once_is_no_markup() -> None:
    text = io.StringIO()
    rows = [[f"m{i}", "x [/b] [red]y", "fid[digits-cnn]", f"{i}.5 [1.0, 9.0]"] for i in (1, 2)]
    block = Block("tables", "A table", ["method", "against", "metric", "figure ↑"], rows, [], left=(0, 1, 2))
    Console(width=40, file=text).print(to_rich(block))
    assert text.getvalue().split()[2:8] == ["against:", "x", "[/b]", "[red]y;", "metric:", "fid[digits-cnn]"]


def test_a_table_turned_keeps_every_name_whole() -> None:
    from rich.text import Text

    headers = [Text("name"), Text("repository"), Text("gone")]
    rows = [[Text("sd21"), Text("an-owner/a-very-long-name-of-a-repository"), Text("")]]
    assert fits(headers, rows, 80) and not fits(headers, rows, 40)
    lines = [line.plain for line in turned(headers, rows)]
    assert lines == ["sd21", "  repository  an-owner/a-very-long-name-of-a-repository"]


@pytest.mark.parametrize("width", range(72, 100, 3))
def test_words_are_whole_in_a_table_of_sentences(width: int) -> None:
    headers = ["claim", "source", "here", "figures", "grid", "trainings", "could fail"]
    claim = "SymmFlow's synthesis beats SemFlow's at 25 steps"
    row = [claim, "SymmFlow, Table 2", "cannot be told", "digit-scenes: run both at 25 steps", "-", "-", "yes"]
    text = io.StringIO()
    block = Block("findings", "Claims", headers, [row], [], left=(0, 1, 2, 3, 4, 5, 6))
    Console(width=width, file=text).print(to_rich(block))
    words = text.getvalue().split()
    assert max(map(len, text.getvalue().splitlines())) <= width
    assert all(word in words for cell in [*headers, *row] for word in cell.split())
