"""Help in groups, with examples that work, nothing cut; lists of lists; what the shell offers after TAB."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from symmbench import datasets, methods
from symmbench.bench.cli.app import app

COMMANDS = (
    *("run", "train", "sample", "import", "export", "compare", "report", "gate", "reproduce", "rescore"),
    *("roundtrip", "check", "doctor", "list"),
)
GROUPED = {**dict.fromkeys(COMMANDS, ()), "data": ("get", "verify"), "baseline": ("save",)}


def of(command: Any) -> Any:
    import typer

    return typer.main.get_command(command)


def test_summaries_are_whole_and_in_groups(bench: Any) -> None:
    said = bench("--help", COLUMNS="80").stdout
    assert [line for line in said.splitlines() if line.endswith(":") and not line.startswith(" ")] == [
        "Train and evaluate:", "Compare:", "Look around, and trust:", "Options:",
    ]  # fmt: skip
    assert (
        "..." not in said.partition("\n")[2]
        and "Draw a grid: input, the method's output at each step count, what is\n" in said
    )
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("command", [(c, *rest) for c in GROUPED for rest in [(), *((s,) for s in GROUPED[c])]])
def test_every_command_fits_into_eighty_columns(bench: Any, command: tuple[str, ...]) -> None:
    done = bench(*command, "--help", COLUMNS="80")
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 80
    assert ("\nExamples:\n  bench " in done.stdout) == (not GROUPED[command[0]] or len(command) > 1)


def test_options_of_a_run_stand_in_groups(bench: Any) -> None:
    said = bench("run", "--help", COLUMNS="80").stdout
    parts = dict(re.findall(r"^([A-Z][\w ]+):\n((?:  .*\n)+)", said, flags=re.M))
    assert "--protocol" in parts["How it is measured"] and "--force" in parts["Results"]
    assert "--device" in parts["Machine and files"] and "--method NAME,NAME" in parts["Options"]


def test_the_examples_are_commands_that_can_be_read() -> None:
    root = of(app)
    shown = [(name, line) for name in COMMANDS for line in root.commands[name].epilog.strip().splitlines()]
    assert len(shown) > 15
    for name, line in shown:
        program, given, *rest = shlex.split(line)
        assert (program, given) == ("bench", name)
        root.commands[name].make_context(name, rest)  # raises for an option that there is not


def test_list_alone_lists_what_can_be_listed(bench: Any) -> None:
    rows = json.loads(bench("list", "--json").stdout)
    assert [row["kind"] for row in rows][:3] == ["methods", "datasets", "recipes"] and all(row["what"] for row in rows)
    for row in rows[:-1]:  # the last are runs, of which there are none
        assert bench("list", row["kind"]).returncode == 0
    assert "support" in bench("list").stdout


def offered(bench: Any, line: str) -> list[str]:
    """By the shell, for the last word of a line."""
    words = line.split(" ")
    environment = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return bench(**environment).stdout.split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("bench run --method symmflow,un", ["symmflow,unet"]),
        ("bench run -m symmflow,symm", []),
        ("bench run -t ", ["cls", "classify", "ss", "segment", "sis", "synthesize", "cycle"]),
        ("bench run -d two", ["two-spirals"]),
        ("bench run --protocol sd", ["sdm"]),
        ("bench train --recipe two-sp", ["two-spirals/symmflow"]),
        ("bench check un", ["unet"]),
        ("bench import face.pt --as semf", ["semflow"]),
        ("bench roundtrip camvid/", ["camvid/symmflow"]),
        ("bench sample -m symm", ["symmflow"]),
        ("bench data get lpips-a", ["lpips-alex"]),
        ("bench compare --sort accu", ["accuracy"]),
        ("bench list judg", ["judges"]),
        ("bench repr", ["reproduce"]),
    ],
)
def test_names_are_completed(bench: Any, line: str, found: list[str]) -> None:
    assert offered(bench, line) == found


def test_all_names_are_offered(bench: Any) -> None:
    assert offered(bench, "bench run -m ") == methods.names()
    assert offered(bench, "bench run -d ") == datasets.names()
