"""A training goes on with the recipe that it was begun with, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import OtherRecipe
from ..names import one_line
from ..recipe import Recipe

SHOWN = 4
"""Fields that are named."""


def check_same(path: Path, begun: str, recipe: Recipe) -> None:
    """Raise `OtherRecipe`, with the fields that differ, where the recipe `begun` with (its JSON) is not this one."""
    before = Recipe.model_validate_json(begun)
    if before == recipe:
        return
    old, new = (dict(_fields(one.model_dump(mode="json"))) for one in (before, recipe))
    apart = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    said = [f"{name} was {_shown(old.get(name))} and is {_shown(new.get(name))}" for name in apart[:SHOWN]]
    more = [f"{len(apart) - SHOWN} more"] if len(apart) > SHOWN else []
    raise OtherRecipe(f"{path} was trained with another recipe: {', '.join([*said, *more])}")


def _fields(values: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _fields(value, f"{under}{name}.")
        else:
            yield f"{under}{name}", value


def _shown(value: Any) -> str:
    return one_line("none" if value is None else str(value), 60)
