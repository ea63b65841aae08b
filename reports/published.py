"""The papers' own figures, as data, with their caveats."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).parent / "published.csv"


@dataclass(frozen=True)
class Published:
    """One figure of a paper's table; shares as fractions in [0, 1]."""

    source: str
    table: str
    method: str
    task: str
    dataset: str
    split: str
    metric: str
    steps: int
    solver: str
    """Empty where the method has none."""
    value: float
    share: bool
    """The value is a share in [0, 1]."""
    note: str


@lru_cache(maxsize=1)
def published() -> tuple[Published, ...]:
    with FILE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Published(
            source=row["source"],
            table=row["table"],
            method=row["method"],
            task=row["task"],
            dataset=row["dataset"],
            split=row["split"],
            metric=_metric(row["metric"], row["note"]),
            steps=int(row["steps"]),
            solver=row["solver"],
            value=float(row["value"]) / (100 if row["unit"] == "percent" else 1),
            share=row["unit"] == "percent",
            note=row["note"],
        )
        for row in rows
    )


def _metric(name: str, note: str) -> str:
    """Our name of a metric. Papers print two LPIPS under one name; only the caveat tells which it is."""
    if name == "lpips" and "ground-truth" in note:
        return "lpips_gt"
    return "lpips_diversity" if name == "lpips" and note.startswith("diversity") else name


def lookup(
    method: str, task: str, dataset: str, split: str, metric: str, steps: int | None, solver: str | None
) -> Published | None:
    """The paper's figure for a cell, if it has exactly this one. The first table that has it counts."""
    wanted = (method, task, dataset, split, metric, steps, solver or "")
    for row in published():
        if (row.method, row.task, row.dataset, row.split, row.metric, row.steps, row.solver) == wanted:
            return row
    return None


def of(task: str, dataset: str) -> list[Published]:
    """All published figures of a task on a data set."""
    return [row for row in published() if (row.task, row.dataset) == (task, dataset)]
