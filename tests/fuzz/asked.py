"""Requests for the fuzzer: a small world that they are about, valid ones, and what goes wrong with them."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from typer.main import get_command

from symmbench import datasets, methods
from symmbench.bench import api
from symmbench.bench.cli.app import app

WEIGHTS = "diffusion_pytorch_model.safetensors"
WRITES = ("-o", "--out", "--plot")
LONG = "a" * 300
NUMBERS = (
    "-1",
    "0",
    "1.5",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "true",
    "9" * 30,
    "9" * 5000,
    "0x10",
    "1_000",
    "١",
    "1,,2",
    "",
)
NAMES = (
    "",
    " ",
    ".",
    "..",
    "../../x",
    "a/b",
    "nobody/nothing",
    LONG,
    "a" * 5000,
    "a/" * 2000,
    "nul\0in",
    "\ud800",
    "\udcff",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\u202egnp",
    "two\nlines",
    "tab\tin",
    "[bold]x[/bold]",
    "%s%n{0}",
    "$(touch x)",
    "'",
    '"',
    "<script>",
    "|",
    "all",
    "none",
    "symmflow",
    "symmflow[official]",
    "hf:",
    "hf:..",
    "hf:nobody/x y",
    "mmseg:x",
    "hub:x",
    "x:y:z",
    "[]",
    "[",
    "café",
    "数字",
    "-",
    "--",
    "~",
    "*",
    "NaN",
    "digits",
    "fid[inception]",
    ",",
    "a,,b",
)
VALUES = (
    *NUMBERS[:8],
    "[" * 5000,
    "{a={a=1}}",
    "[1, [2]]",
    '"\\u001b"',
    "'x'",
    "1979-05-27",
    "9" * 5000,
    "[]",
    "{}",
    "false",
    "x",
)
_FLAGS = """
--method -m --task --dataset --steps --solver --seeds --set --checkpoint --precision --split --protocol
--limit --samples-per-mask --extractor --data-root --batch-size --device --force --fresh --keep-old --trust
--json --recipe --max-steps --max-minutes --workers --tracker --count --seed --sort --baseline --pareto
--within --spread --self --floors --against --format --strict --write --debug --quick --trials --help
--version --allow-protocol-diff --by-seed --verbose -x --
"""
FLAGS = _FLAGS.split()
_KEYS = """
beta keep samples error spacing optimizer.lr optimizer.betas optimizer.clip train.batch train.ema train.seed
train.precision network.channels network.multipliers network.depth network.attention network.kind
latents.codec latents.weights latents.channels latents.factor latents.scale latents.chunk network.heads network.context
network.dropout schedule.steps schedule.kind labels.codec labels.void labels.k data.shift name method dataset
notes options.x options objective.image_weight
"""
KEYS = [*_KEYS.split(), "a." * 2000 + "a", *NAMES]
SETS = dict.fromkeys(("run", "train", "sample", "import", "roundtrip"), "--set")
SECOND = {"baseline": ("save", "load"), "data": ("verify", "get"), "list": ("runs", "methods", "judges", "hub")}
COMMANDS = (
    "run",
    "train",
    "sample",
    "compare",
    "gate",
    "baseline",
    "rescore",
    "reproduce",
    "check",
    "list",
    "data",
    "import",
    "export",
    "roundtrip",
    "rum",
)


class World:
    """Things that are whole, in `given`, and an empty folder, `cwd`, to be in."""

    def __init__(self, root: Path) -> None:
        self.root, self.given, self.cwd = root, root / "in" / "given", root / "in" / "cwd"
        self.given.mkdir(parents=True)
        self._make()
        shutil.copytree(self.given, root.parent / "whole", symlinks=True)

    def _make(self) -> None:
        out = self.given / "results"
        few: dict[str, Any] = {"device": "cpu", "batch_size": 4}
        for store in (out, self.given / "first"):  # what was measured first is the baseline
            few["out"] = store
            api.run(methods="symmflow", tasks="cls", datasets="two-spirals", steps=(1, 2), limit=40, **few)
            api.run(methods="cnn", tasks="cls", limit=12, **few)
        few["out"] = out
        api.run(methods=("unet", "symmflow"), tasks="ss", steps=1, limit=8, **few)
        api.run(methods="symmflow", tasks="sis", steps=1, limit=6, samples_per_mask=2, **few)
        api.save_baseline(self.given / "baseline.zip", self.given / "first")
        shutil.copytree(methods.bundled("digits")["cnn"], self.given / "cnn")
        shutil.copytree(methods.bundled("digits")["symmflow"], self.given / "digits")
        shutil.copytree(methods.bundled("two-spirals")["symmflow"], self.given / "spirals")
        recipe = (methods.registry.RECIPES / "two-spirals" / "symmflow.toml").read_text()
        (self.given / "tiny.toml").write_text(recipe)
        api.train(recipe=str(self.given / "tiny.toml"), max_steps=2, out=self.given / "run", device="cpu")
        (self.given / "floors.toml").write_text(
            '[accuracy]\nabsolute = 0.02\n[fid]\nrelative = 0.1\n[relative_time]\ntier = "advisory"\n'
        )
        (self.given / "few.toml").write_text('version = 2\n[metrics]\ncls = ["accuracy"]\nss = ["miou"]\n')
        (self.given / "empty").mkdir()
        foreign_model(self.given / "model")
        api.export_checkpoint(self.given / "digits", out=self.given / "exported")
        (self.given / "latent.toml").write_text(recipe_in_latents(self.given / "vae"))

    def fresh(self) -> Path:
        """The folder to be in, empty."""
        shutil.rmtree(self.cwd, ignore_errors=True)
        self.cwd.mkdir()
        return self.cwd

    def restore(self) -> None:
        """After something was written where it should not."""
        for path in self.root.iterdir():
            if path.name != "in":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.rmtree(self.root / "in")
        shutil.copytree(self.root.parent / "whole", self.given, symlinks=True)

    def cells(self) -> list[str]:
        return [str(path.parent) for path in sorted(self.given.glob("results/*/*/*/record.json"))]

    def outs(self, arguments: Sequence[str]) -> list[Path]:
        """Where a call may write."""
        found = [value for flag, value in pairwise(arguments) if flag in WRITES]
        found += [a.partition("=")[2] for a in arguments if a.partition("=")[0] in WRITES]
        found += [a[2:] for a in arguments if a.startswith("-o") and len(a) > 2]
        if list(arguments[:1]) == ["baseline"]:
            found += arguments[2:3]
        if "--write" in arguments or "--force" in arguments:  # into the store that it is given
            found += [a for a in arguments if a.startswith("../given/results")]
        return [Path(os.path.normpath(self.cwd / name)) for name in found if "\0" not in name]


def foreign_model(folder: Path) -> None:
    """A tiny segmenter as transformers saves it, where that is installed; else an empty folder."""
    folder.mkdir()
    try:
        import transformers as t
    except ImportError:
        return
    import torch

    torch.manual_seed(0)
    classes = datasets.card("digit-scenes").classes
    labels = {"id2label": dict(enumerate(classes)), "label2id": {c: i for i, c in enumerate(classes)}}
    sizes = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16}
    t.SegformerForSemanticSegmentation(t.SegformerConfig(**sizes, **labels)).save_pretrained(folder)
    t.SegformerImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def recipe_in_latents(folder: Path) -> str:
    """A recipe for digit-scenes in the latents of a tiny autoencoder, which is saved there; by a relative path."""
    import torch
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    widths = {"encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8)}
    AutoencoderTiny(**widths, num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1)).save_pretrained(folder)
    latents = f'codec = "autoencoder-tiny"\nweights = "../given/{folder.name}"\nchannels = 4\nfactor = 2\n'
    head = 'name = "digit-scenes/symmflow[latent]"\nmethod = "symmflow"\ndataset = "digit-scenes"\n'
    tables = "[optimizer]\nlr = 1e-3\n[schedule]\nsteps = 2\n[train]\nbatch = 2\n"
    return f"{head}[latents]\n{latents}[network]\nchannels = 8\nmultipliers = [1]\nattention = []\n{tables}"


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
