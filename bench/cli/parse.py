"""Lists and values of the command line."""

from __future__ import annotations

import re
from typing import Any

from ...symmflow.bounded import toml
from ...symmflow.errors import InputError
from ...symmflow.names import one_line

DIGITS = 30


def names(text: str | None, option: str) -> list[str]:
    """`a,b` -> ["a", "b"]; empty items are refused."""
    if text is None:
        return []
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise InputError(f"{option} {text!r} has an empty item; write it like {option} a,b.")
    return list(dict.fromkeys(items))


def integers(text: str, option: str, minimum: int) -> list[int]:
    """`1,5,25` -> [1, 5, 25], each once, in the given order; anything else is refused."""
    numbers = []
    shown = one_line(text, 80)
    for item in text.split(","):
        if not re.fullmatch(r"\s*-?[0-9]+\s*", item):
            what = f"{one_line(item.strip(), 80)!r} is no whole number" if item.strip() else "an item is empty"
            raise InputError(f"{option} {shown!r}: {what}; write it like {option} 1,5,25.")
        if len(item) > DIGITS:
            raise InputError(f"{option} {shown!r}: a number of {len(item):,} digits is too large.")
        number = int(item)
        if number < minimum:
            raise InputError(f"{option} {shown!r}: {number} is less than {minimum}; write it like {option} 1,5,25.")
        numbers.append(number)
    return list(dict.fromkeys(numbers))


def overrides(pairs: list[str], option: str = "--set") -> dict[str, Any]:
    """`key.sub=value` of every `option`; values are read as TOML, bare words as strings."""
    parsed: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            example = "optimizer.lr=3e-4" if option == "--set" else "window=512"
            raise InputError(f"{option} takes key=value, for example {example}, not {pair!r}.")
        try:
            parsed[key.strip()] = toml(f"value = {text}")["value"]
        except ValueError:
            parsed[key.strip()] = text
    return parsed
