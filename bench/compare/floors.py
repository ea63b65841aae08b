"""The smallest differences that matter: the metrics' own, or the user's."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from ...symmflow.errors import InputError, unknown
from .. import metrics
from ..metrics import Floor, family
from . import speed

Floors = Mapping[str, Floor]
"""The user's own, by metric: `accuracy`, `fid`, `relative_time`."""


def floor_of(metric: str, own: Floors) -> Floor:
    """The user's floor of a metric, else the metric's; zero where it is not installed here."""
    if (name := family(metric)) in own:
        return own[name]
    if name == speed.TIME:
        return speed.FLOOR
    known = metrics.known(name)
    return known.floor if known else Floor(absolute=0.0)


def read_floors(path: Path | None = None) -> dict[str, Floor]:
    """The user's floors from a TOML file: a table a metric, `absolute = X` or `relative = X`. No file: none."""
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path} cannot be read as a file of floors: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid TOML file: {error}.") from None
    floors = {}
    for name, table in tables.items():
        right = isinstance(table, dict) and len(table) == 1 and set(table) <= {"absolute", "relative"}
        if not right or not all(isinstance(v, int | float) and v >= 0 for v in table.values()):
            raise InputError(f"{path}: {name} takes either absolute = X or relative = X, zero or more.")
        if name not in (known := [*metrics.names(), speed.TIME]):
            raise unknown("floor", name, known)
        floors[name] = Floor(**{k: float(v) for k, v in table.items()})
    return floors
