"""The values of a mask file to class ids, by table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..symmflow.errors import InputError

Array = np.ndarray
STRANGE = -1
"""What a table has for a value that no file of the data set holds."""


def table(ids: Mapping[int, int]) -> Array:
    """int16 [256]: the class id of every value that a file may hold."""
    made = np.full(256, STRANGE, dtype=np.int16)
    made[list(ids)] = list(ids.values())
    return made


def remapped(values: Array, table: Array, name: str, meaning: str) -> Array:
    """uint8 [H, W] of a file -> class ids uint8 [H, W]. `name`: of the file; `meaning`: what its values should be."""
    ids = table[values]
    if (strange := ids == STRANGE).any():
        found = ", ".join(map(str, np.unique(values[strange])[:5]))
        raise InputError(f"{name} holds {found}, which {meaning} do not have; it is no mask of this data set.")
    return ids.astype(np.uint8)
