"""Requests for the fuzzer: valid ones, and what goes wrong with them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command
from words import COMMANDS, FLAGS, KEYS, LONG, NAMES, NUMBERS, SECOND, SETS, VALUES, WEIGHTS
from world import WRITES, World

from symmbench.bench.cli.app import app


def valid(dice: random.Random, world: World) -> list[str]:
    """A request that nothing is wrong with."""
    cell, results, given = dice.choice(world.cells()), "../given/results", "../given"
    run = ["run", "--limit", "4", "--batch-size", "4", "--device", "cpu", "--out", "out"]
    gate = ["gate", f"{given}/baseline.zip", results, "--floors", f"{given}/floors.toml"]
    sample = ["sample", "--count", "2", "--device", "cpu", "-o", "out.png"]
    return dice.choice(
        [
            [*run, "-m", "cnn", "-t", "cls"],
            [
                *run,
                "-m",
                "symmflow",
                "-t",
                "cls",
                "-d",
                "two-spirals",
                "--steps",
                "1,2",
                "--solver",
                "euler",
                "--seeds",
                "0",
            ],
            [*run, "-m", "unet", "-t", "ss", "--precision", "fp32", "--split", "test"],
            [*run, "-m", "semflow", "-t", "ss", "--steps", "1", "--set", "beta=3"],
            [
                *run,
                "-m",
                "cnn",
                "-t",
                "cls",
                "-d",
                "digits",
                "--checkpoint",
                f"{given}/cnn",
                "--protocol",
                f"{given}/few.toml",
            ],
            [*run, "-m", "symmflow", "-t", "cls", "-d", "two-spirals", "--checkpoint", f"{given}/spirals"],
            [*run, "-m", "symmflow", "-t", "sis", "--steps", "1", "--samples-per-mask", "2", "--extractor", "auto"],
            [*sample, "-m", "cnn", "-t", "cls", "--seed", "0"],
            [*sample, "-m", "unet", "-t", "ss"],
            [
                "train",
                "--recipe",
                f"{given}/tiny.toml",
                "--max-steps",
                "2",
                "--device",
                "cpu",
                "--set",
                "train.batch=8",
            ],
            [
                "train",
                "-r",
                "two-spirals/symmflow",
                "--max-steps",
                "1",
                "-o",
                "out",
                "--workers",
                "0",
                "--max-minutes",
                "1",
            ],
            ["compare", results, "--task", "cls", "--sort", "accuracy"],
            [
                "compare",
                results,
                "--dataset",
                "two-spirals",
                "--baseline",
                "symmflow@1",
                "--floors",
                f"{given}/floors.toml",
            ],
            ["compare", results, "--pareto", "accuracy", "--within", "0.1", "-d", "two-spirals", "--format", "md"],
            ["compare", results, "--json", "--method", "symmflow", "--steps", "1", "--against", "published"],
            ["compare", results, "--task", "ss", "--spread", "miou", "--protocol", "harness", "--plot", "plot.png"],
            ["report", results, "-d", "two-spirals", "--intervals", "-o", "report.tex"],
            ["report", results, "--steps", "1", "--format", dice.choice(["md", "csv", "json"])],
            [*gate, "--format", "github"],
            [*gate, "--format", "junit", "--out", "junit.xml", "--strict"],
            ["gate", f"{given}/first", *gate[2:]],
            ["baseline", "save", "out.zip", results],
            ["rescore", results],
            ["rescore", results, "--protocol", f"{given}/few.toml", "--out", "again"],
            ["reproduce", cell, "--device", "cpu", "--batch-size", "4"],
            ["list", dice.choice(["methods", "datasets", "recipes", "metrics", "protocols", "support", "hub"])],
            ["import", f"{given}/exported", "--out", "out"],
            [
                "import",
                f"{given}/exported/{WEIGHTS}",
                "-r",
                "digits/symmflow",
                "--set",
                "network.gain=false",
                "-o",
                "out",
            ],
            ["import", f"{given}/exported", "--recipe", "digits/symmflow", "--as", "symmflow"],
            ["export", f"{given}/digits", "--out", "out", "--results", results],
            ["roundtrip", f"{given}/latent.toml", "--limit", "2", "--device", "cpu", "--split", "test"],
            ["roundtrip", f"{given}/latent.toml", "--limit", "2", "--set", "latents.chunk=1", "--json"],
            ["list", "runs", "--out", results, "--json"],
            ["data", "verify", "two-spirals"],
            ["check", "cnn", "--dataset", "digits", "--device", "cpu"],
        ]
    )


def one_wrong(dice: random.Random, world: World) -> list[str]:
    """A valid request with one thing wrong, so that it gets far."""
    arguments = valid(dice, world)
    values = [at for at in range(1, len(arguments)) if not arguments[at].startswith("-") and at > 1]
    kind = dice.randrange(12)
    if kind == 0:
        del arguments[dice.randrange(1, len(arguments))]
    elif kind == 1:
        arguments.insert(dice.randrange(1, len(arguments) + 1), dice.choice([*FLAGS, *NAMES]))
    elif kind in (2, 3):
        arguments += own_option(dice, arguments, world)
    elif kind in (4, 5) and "--set" in SETS.get(arguments[0], ""):
        arguments += ["--set", f"{dice.choice(KEYS)}={dice.choice(VALUES)}"]
    elif kind in (6, 7) and (files := [i for i, a in enumerate(arguments) if a.endswith(".toml")]):
        arguments[files[0]] = spoilt(dice, world.given / Path(arguments[files[0]]).name, world.cwd)
    elif values:
        at = dice.choice(values)
        arguments[at] = hostile(dice, world) if dice.random() < 0.7 else near(dice, arguments[at])
    return safe(arguments, dice)


def at_random(dice: random.Random, world: World) -> list[str]:
    """A command with options that are mostly its own, and values of any kind."""
    arguments = [dice.choice(COMMANDS)]
    if arguments[0] in SECOND:
        arguments += [dice.choice(SECOND[arguments[0]])]
    for _ in range(dice.randrange(5)):
        if dice.random() < 0.8:
            arguments += own_option(dice, arguments, world)
        else:
            arguments += [dice.choice([*FLAGS, hostile(dice, world)])]
    if arguments[0] == "run":
        arguments += ["--limit", "2", "--steps", "1"]
    if arguments[0] == "train":
        arguments += ["--max-steps", "1", "--recipe", "../given/tiny.toml"]
    return safe(arguments, dice)


def own_option(dice: random.Random, arguments: Sequence[str], world: World) -> list[str]:
    """An option that the command has, with a value."""
    command: Any = get_command(app)
    for word in arguments[:2]:
        command = getattr(command, "commands", {}).get(word, command)
    if not command.params:
        return [dice.choice(FLAGS)]
    parameter = dice.choice(command.params)
    value = hostile(dice, world)
    if not parameter.opts[0].startswith("-"):
        return [value]
    return [dice.choice(parameter.opts)] + ([] if getattr(parameter, "is_flag", False) else [value])


def near(dice: random.Random, value: str) -> str:
    """Another value than that, but not by much."""
    at = dice.randrange(len(value) + 1)
    more = dice.choice(["\x1b", "/", ",", "\n", "é", "..", "-", " ", "[", "]", ":", "0", "x", "="])
    return dice.choice(
        [value[:at] + more + value[at:], value[:at] + value[at + 1 :], value.upper(), f"{value},{value}", f" {value}"]
    )


def hostile(dice: random.Random, world: World) -> str:
    files = [str(path) for path in world.given.iterdir()] + [
        "../given/results/digits",
        "/dev/zero",
        "/proc/self/mem",
        "out",
    ]
    return dice.choice(
        [dice.choice(NUMBERS), dice.choice(NAMES), dice.choice(NAMES), dice.choice(VALUES), dice.choice(files)]
    )


def safe(arguments: list[str], dice: random.Random) -> list[str]:
    """Without what would last hours or is meant to write over this machine's own files or the world's."""
    if "doctor" in arguments or arguments[:2] == ["data", "get"]:
        arguments = ["list", *arguments[1:]]
    whole = arguments[:1] == ["roundtrip"] or (arguments[:1] == ["sample"] and "--all" in arguments)
    if whole and "--limit" not in arguments:
        arguments = [*arguments, "--limit", "2"]
    for at, (flag, value) in enumerate(zip(arguments, [*arguments[1:], ""], strict=True)):
        if (flag in WRITES or (arguments[0] == "baseline" and at == 1)) and value.startswith(("/", "../given")):
            arguments[at + 1] = "../elsewhere/" + dice.choice(["x", LONG, "\x1b"])
    return arguments


def spoilt(dice: random.Random, source: Path, folder: Path) -> str:
    """A copy of a TOML file with one line that is another."""
    lines = source.read_text().splitlines()
    at = dice.randrange(len(lines))
    key, equals, _ = lines[at].partition("=")
    value = dice.choice([*VALUES, json.dumps(dice.choice(NAMES))])
    lines[at] = f"{key} = {value}" if equals else dice.choice([value, f"[{value}]", f"{LONG} = 1", "\x1b"])
    path = folder / "spoilt.toml"
    path.write_bytes("\n".join(lines).encode(errors="surrogatepass"))
    return path.name
