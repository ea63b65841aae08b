"""Values of the command line."""

import pytest

from symmbench.bench.cli import parse
from symmbench.symmflow.errors import InputError


def test_overrides_are_toml_or_bare_words() -> None:
    pairs = ["optimizer.lr=3e-4", "network.multipliers=[1, 2]", "train.precision=bf16", "network.gain = true"]
    assert parse.overrides(pairs) == {
        "optimizer.lr": 3e-4,
        "network.multipliers": [1, 2],
        "train.precision": "bf16",
        "network.gain": True,
    }
    for pair in ("lr", "=1"):
        with pytest.raises(InputError, match="key=value"):
            parse.overrides([pair])
