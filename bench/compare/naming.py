"""What cells and rows are called: one vocabulary for tables, `--baseline`, remarks and the gate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..protocols import DEFAULT
from ..records import Record


@dataclass(frozen=True)
class Word:
    """A word of a cell's name."""

    text: str
    usual: bool = False
    """Goes without saying."""


def words(record: Record) -> dict[str, Word]:
    """By what they are about, all that tells a cell from others of its method, in the order in which it is said."""
    rules = record.protocol.get("rules", DEFAULT)
    said = {"rules": Word(rules, rules == DEFAULT), "split": Word(record.split, record.split == "test")}
    if record.steps is not None:
        said["steps"] = Word(f"steps={record.steps}")
    if record.solver is not None:
        said["solver"] = Word(record.solver, record.solver == "euler")
    for name, value in record.options.items():
        shown = value if isinstance(value, str) else json.dumps(value)
        said[f"option {name}"] = Word(f"{name}={shown}", name not in record.chosen)
    return said | {
        "precision": Word(record.precision, record.precision == "fp32"),
        "samples": Word(f"samples={record.samples_per_mask}", record.samples_per_mask == 1),
        "version": Word(f"v{record.version}", record.version == 1),
        "recipe": Word(recipe(record)),
        "checkpoint": Word(fingerprint(record)),
        "seed": Word(f"seed={record.seed}"),
        "protocol": Word(record.protocol["hash"][:8]),
    }


def recipe(record: Record) -> str:
    return record.checkpoint.recipe or record.checkpoint.name


def fingerprint(record: Record) -> str:
    """First six digits of the checkpoint's."""
    return record.checkpoint.fingerprint[:6]


def identity(record: Record) -> str:
    """What a cell is called, whatever its weights and its method's version: `digits/cls symmflow steps=25 seed=0`."""
    weights = ("version", "recipe", "checkpoint", "protocol")
    said = [word.text for about, word in words(record).items() if about not in weights and not word.usual]
    return " ".join([f"{record.dataset}/{record.task}", record.method, *said])


def row_names(rows: Sequence[Sequence[Record]], *, stamped: bool = False) -> list[str]:
    """What the rows of a table are called, each the records of its seeds: the method, and what tells it apart.

    Step counts have a column of their own. `stamped`: the table mixes protocols.
    """
    known = [words(row[0]) for row in rows]
    names = []
    for row, own in zip(rows, known, strict=True):
        alike = [w for r, w in zip(rows, known, strict=True) if w is not own and r[0].method == row[0].method]
        names.append(" ".join([row[0].method, *_telling(own, alike, len(row) == 1, stamped)]))
    return names


def _telling(own: dict[str, Word], others: Sequence[dict[str, Word]], one_seed: bool, stamped: bool) -> list[str]:
    """The words of a row that other rows of its method make necessary."""
    siblings = [o for o in others if o["recipe"] == own["recipe"]]
    twins = [o for o in others if {**o, "seed": own["seed"]} == own]
    said = []
    for about, word in own.items():
        if about in ("solver", "precision"):
            telling = not word.usual
        elif about.startswith("option ") or about in ("version", "recipe"):
            telling = any(o[about] != word if about in o else not word.usual for o in others)
        elif about == "checkpoint":
            telling = any(o[about] != word for o in siblings)
        else:
            telling = (about == "seed" and one_seed and bool(twins)) or (about == "protocol" and stamped)
        if telling:
            said.append(f"({word.text})" if about == "recipe" else word.text)
    return said


def choices(row: Sequence[Record]) -> list[str]:
    """The words by which a row, the records of its seeds, can be told from others of its method and step count."""
    telling = {"solver", "precision", "recipe", "checkpoint"} | ({"seed"} if len(row) == 1 else set())
    return [w.text for about, w in words(row[0]).items() if about in telling or about.startswith("option ")]
