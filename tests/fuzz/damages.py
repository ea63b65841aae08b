"""Things that something has happened to: stores, checkpoints, baselines, recipes, foreign models, trainings."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import asked
from words import NAMES
from world import World

from symmbench.bench.records import read_record
from symmbench.symmflow.errors import InputError

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1.5,
    float("inf"),
    float("nan"),
    "",
    "..",
    "../../x",
    "a/b",
    "x" * 5000,
    "\x1b[31m",
    "two\nlines",
    [],
    {},
    [[[[]]]],
    {"a": {"b": 1}},
    ["x"],
    "\ud800",
    "nul\0",
    2**63,
)

SINGLE = ("cnn", "spirals", "baseline.zip", "tiny.toml", "model", "run", "exported", "vae", "digits")


def damaged(dice: random.Random, world: World, cwd: Path) -> tuple[str, list[str]]:
    """Put a damaged copy of something into a folder: what happened to it, and the call that reads it."""
    kind = dice.choice(["store", "store", "store", *SINGLE])
    source, copy = world.given / ("results" if kind == "store" else kind), cwd / "it"
    if source.is_file():
        copy = copy.with_suffix(source.suffix)
        shutil.copy(source, copy)
    else:
        shutil.copytree(source, copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file()) if copy.is_dir() else [copy]
    file = dice.choice([*(f for f in files if f.suffix == ".json"), *files]) if files else copy / "config.json"
    what = f"{happens(dice, file, cwd)} to {file.relative_to(cwd)}"
    cell = dice.choice(world.cells()).rpartition("/results/")[2]
    run = ["run", "--device", "cpu", "--limit", "4", "--batch-size", "4", "--out", "out"]
    same = ["--device", "cpu", "--batch-size", "4", "--out", "it"]
    calls = {
        "store": [
            ["compare", "it"],
            ["compare", "it", "--json"],
            ["compare", "it", "--format", "md", "--allow-protocol-diff"],
            ["gate", "it", "../given/results"],
            ["gate", "../given/baseline.zip", "it", "--format", "github"],
            ["baseline", "save", "out.zip", "it"],
            ["rescore", "it"],
            ["rescore", "it", "--protocol", "../given/few.toml"],
            ["rescore", "it", "--write"],
            ["reproduce", f"it/{cell}", "--device", "cpu"],
            ["list", "runs", "--out", "it"],
            ["run", "-m", "cnn", "-t", "cls", "--limit", "12", *same],
            ["run", "-m", "symmflow", "-t", "cls", "-d", "two-spirals", "--steps", "1,2", "--limit", "40", *same],
            ["compare", "it", "--baseline", "symmflow@1"],
            ["compare", "it", "--spread", "accuracy", "--task", "cls"],
        ],
        "exported": [["import", "it", "--out", "out"], ["import", "it", "-r", "digits/symmflow", "--out", "out"]],
        "vae": [["roundtrip", "../given/latent.toml", "--limit", "2", "--set", "latents.weights=it"]],
        "digits": [["export", "it", "--out", "out", "--results", "../given/results"]],
        "cnn": [[*run, "-m", "cnn", "-t", "cls", "--checkpoint", "it"]],
        "spirals": [[*run, "-m", "symmflow", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--checkpoint", "it"]],
        "baseline.zip": [
            ["gate", "it.zip", "../given/results"],
            ["gate", "it.zip", "../given/results", "--format", "md"],
        ],
        "tiny.toml": [["train", "--recipe", "it.toml", "--max-steps", "1", "--device", "cpu"]],
        "model": [[*run, "-m", "hf:it", "-t", "ss"], [*run, "-m", "sd-classifier:it", "-t", "cls", "--steps", "10"]],
        "run": [
            ["train", "--recipe", "../given/tiny.toml", "--max-steps", "3", "--device", "cpu", "--out", "it"],
            [*run, "-m", "symmflow", "-t", "cls", "-d", "two-spirals", "--steps", "1", "--checkpoint", "it"],
        ],
    }
    return what, dice.choice(calls[kind])


def happens(dice: random.Random, file: Path, cwd: Path) -> str:
    """Do something to a file; in a word, what."""
    content = file.read_bytes() if file.is_file() else b"{}"
    kind = dice.randrange(12)
    if kind < 5 and file.suffix == ".json":
        return f"JSON changed ({change_json(dice, file, content)})"
    if kind < 5 and file.suffix == ".zip":
        return f"archive changed ({change_zip(dice, file)})"
    if kind < 5 and file.suffix == ".parquet":
        return f"table changed ({change_table(dice, file)})"
    if kind < 5 and file.suffix == ".safetensors":
        return f"weights changed ({change_weights(dice, file)})"
    if kind < 5 and file.suffix == ".toml":
        file.write_bytes((cwd / asked.spoilt(dice, file, cwd)).read_bytes())
        return "line changed"
    if kind < 6:
        file.write_bytes(content[: dice.randrange(len(content) + 1)])
        return "cut"
    if kind == 6:
        spoilt = bytearray(content or b"x")
        for _ in range(dice.choice([1, 10, 100])):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        file.write_bytes(spoilt)
        return "bytes changed"
    if kind == 7:
        file.write_bytes(content + dice.choice([b"\0", b"{}", content, b"\n"]))
        return "something appended"
    file.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    if kind == 8:
        file.mkdir()
        return "a folder in its place"
    if kind == 9:
        os.mkfifo(file)
        return "a pipe in its place"
    if kind == 10:
        file.symlink_to(dice.choice(["/dev/zero", file.name, "/nowhere", "/proc/self/environ", ".."]))
        return "a link in its place"
    return "removed"


def change_json(dice: random.Random, file: Path, content: bytes) -> str:
    tree = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            places.append((node, key))
            walk(value)

    walk(tree)
    value, kind = dice.choice(VALUES), dice.randrange(5)
    if not places or kind == 0:
        tree = dice.choice([value, [tree], {"a": tree}])
    else:
        node, key = dice.choice(places)
        if kind == 1:
            del node[key]
        elif kind == 2 and isinstance(node, dict):
            node[dice.choice(NAMES)] = node[key]
        else:
            node[key] = value
        file.write_text(json.dumps(tree))
        return f"{key!r}, {kind}, {str(value)[:20]!r}"
    deep = "[" * 100_000 if kind == 0 and dice.random() < 0.3 else json.dumps(tree)
    file.write_text(deep)
    return "all of it"


def change_zip(dice: random.Random, file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, made = dice.choice(sorted(members)), io.BytesIO()
    kind = dice.randrange(4)
    if kind == 0:
        members[dice.choice(["../../x", "/tmp/x", "a/../../x", "x" * 300, "\x1b[31m"])] = b"x"
    elif kind == 1:
        del members[name]
    elif kind == 2:
        inner = file.parent / "inner"
        inner.write_bytes(members[name])
        if name.endswith(".json"):
            change_json(dice, inner, members[name])
        else:
            change_table(dice, inner)
        members[name] = inner.read_bytes()
        inner.unlink()
    else:
        members[name] = members[name][: len(members[name]) // 2]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, content in members.items():
            archive.writestr(inside, content)
    file.write_bytes(made.getvalue())
    return f"{name}, {kind}"


def change_table(dice: random.Random, file: Path) -> str:
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(file)
    column, kind = dice.choice(list(frame.columns)), dice.randrange(8)
    if kind == 0:
        frame = frame.drop(columns=column)
    elif kind == 1:
        frame = frame.iloc[:0]
    elif kind == 2:
        frame = pd.concat([frame, frame], ignore_index=True)
    elif kind == 3:
        frame[column] = None
    elif kind == 4:
        frame[column] = "x"
    elif kind == 5:
        frame[column] = dice.choice([-1, 10**12, np.nan, np.inf])
    elif kind == 6:
        frame[column] = [[[1]]] * len(frame)
    else:
        frame = frame.iloc[::-1]
    frame.to_parquet(file)
    return f"{column}, {kind}"


def change_weights(dice: random.Random, file: Path) -> str:
    """Also in the manifest, where there is one: these are weights that somebody made so."""
    import torch
    from safetensors.torch import load_file, save_file

    from symmbench.symmflow.files import sha256

    weights, kind = load_file(file), dice.randrange(5)
    name = dice.choice(sorted(weights))
    if kind == 0:
        del weights[name]
    elif kind == 1:
        weights["more"] = torch.ones(3)
    elif kind == 2:
        weights[name] = torch.ones(5, 7)
    elif kind == 3:
        weights[name] = torch.full_like(weights[name], float("nan"))
    else:
        weights = {f"x.{key}": value for key, value in weights.items()}
    save_file(weights, file, metadata={"format": "pt"})
    if (manifest := file.with_name("checkpoint.json")).is_file():
        said = json.loads(manifest.read_text()) | {"sha256": sha256(file)}
        manifest.write_text(json.dumps(said))
    return f"{name}, {kind}"


def records(folder: Path) -> dict[Path, str]:
    """The records below a folder that can be read, each with its key."""
    found = {path: key_of(path) for path in folder.glob("it/*/*/*/record.json")}
    return {path: key for path, key in found.items() if key}


def key_of(path: Path) -> str:
    try:
        record = read_record(path)
    except (InputError, OSError):
        return ""
    return f"{record.key} {record.status}"
