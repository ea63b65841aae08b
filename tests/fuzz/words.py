"""What the fuzzer puts where something else belongs: numbers, names, values, options, keys, commands."""

from __future__ import annotations

WEIGHTS = "diffusion_pytorch_model.safetensors"
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
--version --allow-protocol-diff --by-seed --wide --columns --show --status --verbose -x --
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
