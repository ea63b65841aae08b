"""How many images a batch has."""

from __future__ import annotations

import re

from ...symmflow.errors import InputError
from ..records import SHARD

AUTO, FIRST = "auto", 64
"""The batch size where nobody names one, and with how many images it begins; memory decides whether they stay."""


def first_size(asked: str | int) -> int:
    """Images of the first batch, `--batch-size` asked for. Raises `InputError` for what is no size."""
    if asked == AUTO:
        return FIRST
    if not re.fullmatch(r"-?[0-9]{1,9}", str(asked)) or not 1 <= int(asked) <= SHARD:
        raise InputError(f"--batch-size must lie in 1-{SHARD} (a shard of evidence) or be {AUTO}, not {asked}.")
    return int(asked)
