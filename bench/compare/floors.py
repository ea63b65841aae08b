"""The smallest differences that matter, and which of them fail a gate: the metrics' own, or the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...symmflow.bounded import read_toml
from ...symmflow.errors import InputError, unknown
from .. import metrics
from ..metrics import Floor, family
from . import speed

Floors = Mapping[str, Floor]
"""The user's own, by metric: `accuracy`, `fid`, `relative_time`."""
LARGEST = 1e300
TIERS = ("critical", "advisory")


def floor_of(metric: str, own: Floors) -> Floor:
    """The user's floor of a metric, else the metric's; zero where it is not installed here."""
    if (name := family(metric)) in own:
        return own[name]
    if name == speed.TIME:
        return speed.FLOOR
    known = metrics.known(name)
    return known.floor if known else Floor(absolute=0.0)


def read_floors(path: Path | None = None) -> dict[str, Floor]:
    """The user's floors from a TOML file: a table a metric. No file: none.

    `absolute = X` or `relative = X`, `tier = "critical"` or `"advisory"`; what is left out is the metric's own.
    """
    if path is None:
        return {}
    try:
        tables = read_toml(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read as a file of floors: {error.strerror}.") from None
    known = [*metrics.names(), speed.TIME]
    for name in tables:
        if name not in known:
            raise unknown("floor", name, known)
    return {name: _floor(path, name, table) for name, table in tables.items()}


def _floor(path: Path, name: str, table: Any) -> Floor:
    given = dict(table) if isinstance(table, dict) else {"": table}
    own, tier = floor_of(name, {}), given.pop("tier", None)
    numbers = [
        v for v in given.values() if isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= LARGEST
    ]
    if len(numbers) != len(given) or len(given) > 1 or not set(given) <= {"absolute", "relative"}:
        raise InputError(f"{path}: {name} takes either absolute = X or relative = X, zero or more.")
    if tier not in (None, *TIERS):
        raise InputError(f"{path}: the tier of {name} is one of {', '.join(TIERS)}, not {tier!r}.")
    if given:
        own = replace(own, absolute=given.get("absolute"), relative=given.get("relative"))
    return replace(own, tier=tier or own.tier)
