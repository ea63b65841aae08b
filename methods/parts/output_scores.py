"""Class scores out of a table: a row a sample, a column a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Card
from ...symmflow.errors import InputError
from .output_files import TABLES, listed, some
from .output_reader import Reader, Wanted

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray


def scores_of(path: Path, card: Card, wanted: Wanted) -> Reader:
    """Class scores: a table, or a folder that holds one."""
    if path.is_dir():
        found = listed(path, TABLES)
        if len(found) != 1:
            said = some(found) or f"none of {', '.join(TABLES)}"
            raise InputError(f"class scores are one table, and {path} holds {said}; name the file.")
        path = path / found[0]
    if path.suffix.lower() not in TABLES:
        raise InputError(f"{path} is no table of class scores; give one of {', '.join(TABLES)}.")
    return Scores(path, card, wanted.ids, wanted.split)


class Scores(Reader):
    """A column `id`; scores under the classes' names or ids, or as lists under `scores`; `scale`, where one says it."""

    def __init__(self, path: Path, card: Card, ids: Sequence[str], split: Sequence[str]) -> None:
        table = _table(path)
        if "id" not in table:
            raise InputError(f"{path} has no column id; it has {some(table.columns)}.")
        own = [str(value) for value in table["id"]]
        place = {i: n for n, i in enumerate(own)}
        known = set(split)
        faults = {
            "more than one row of": sorted({i for n, i in enumerate(own) if place[i] != n}),
            "no row of": [i for i in ids if i not in place],
            "rows of no sample:": [i for i in own if i not in known],
        }
        if said := [f"{what} {some(names)}" for what, names in faults.items() if names]:
            raise InputError(f"{path} does not match the {len(split):,} samples of the split: {'; '.join(said)}.")
        values = _scores(path, table, card)
        if not np.isfinite(values).all():
            raise InputError(f"{path} has a score of {own[np.argwhere(~np.isfinite(values))[0, 0]]} that is no number.")
        self.values, self.place = values, place
        self.scale = _scale(path, table, values)

    def read(self, ids: Sequence[str], draw: int) -> Array:
        return np.asarray(self.values[[self.place[i] for i in ids]])


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={"id": str}, keep_default_na=False, na_values=[""], float_precision="round_trip")
    except (OSError, ValueError, pyarrow.ArrowInvalid) as error:
        raise InputError(f"{path} is no table that can be read ({str(error).splitlines()[0]}).") from None


def _scores(path: Path, table: pd.DataFrame, card: Card) -> Array:
    """float32 [N, K]."""
    k = len(card.classes)
    by_id = [str(i) for i in range(k)]
    for names in (list(card.classes), by_id):
        if set(names) <= set(table.columns):
            break
    else:
        if "scores" not in table:
            lacking = [name for name in card.classes if name not in table]
            raise InputError(
                f"{path} has no scores of {some(lacking)}; give a column a class, named as the classes are."
            )
        rows = [np.asarray(row, dtype=np.float32) for row in table["scores"]]
        if any(row.shape != (k,) for row in rows):
            raise InputError(f"{path} has rows of scores that are not of the {k} classes of {card.name}.")
        return np.stack(rows)
    try:
        return table[names].to_numpy(np.float32)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} has scores that are no numbers ({error}).") from None


def _scale(path: Path, table: pd.DataFrame, values: Array) -> str:
    """As the table says; probabilities where all rows are of none below 0 and sum to 1."""
    if "scale" in table:
        said = table["scale"].astype(str).unique()
        if len(said) != 1:
            raise InputError(f"{path} says several scales of scores ({some(said)}); give tables of one each.")
        return str(said[0])
    return "probability" if values.min() >= 0 and np.allclose(values.sum(axis=1), 1, atol=1e-3) else "score"
