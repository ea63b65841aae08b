"""Are probabilities honest? The share that is right against the confidence, where scores are probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....reports.html import Section
from ....reports.html.charts import Bins, reliability
from ....symmflow.errors import InputError
from ...metrics.calibration import BINS, binned, probabilities_of
from ...records import Missing, Replaced
from ..rows import Row
from ..tables import Table
from .gathered import Page, anchor, count


def section(page: Page) -> Section | None:
    sheets = [sheet for place, table in enumerate(page.tables) if (sheet := _sheet(page, table, anchor(place)))]
    if not sheets:
        return None
    lead = (
        f"{BINS} bins of equal width, larger points for more samples; honest probabilities lie on the dotted diagonal."
    )
    return Section("reliability", "Reliability", "reliability.html", {"sheets": sheets}, lead)


def _sheet(page: Page, table: Table, place: str) -> dict[str, Any] | None:
    owners, found = page.owners(table), []
    for row in table.rows:
        if row.steps is not None and not _scored(row):
            continue
        if bins := _bins(row):
            group = "" if row.steps is None else count(row.steps, "step")
            found.append(Bins(row.at, owners[row.name], group, *bins))
    if not found:
        return None
    groups = list(dict.fromkeys(one.group for one in found if one.group))
    return {"chart": reliability(f"reliability-{place}", table.title, found), "groups": groups}


def _scored(row: Row) -> bool:
    """Whether the record has a figure of its probabilities: evidence without them is not read."""
    return "ece" in row.metrics or "brier" in row.metrics


def _bins(row: Row) -> tuple[list[float], list[float], list[int]] | None:
    """Mean confidence, share that is right and number of samples of the bins that have any, over all seeds."""
    sure, right = [], []
    for cell in row.cells:
        try:
            found = probabilities_of(cell.evidence)
        except Replaced:
            raise
        except InputError:  # pruned or damaged: other rows can still be told
            return None
        if isinstance(found, Missing):
            return None
        _, probabilities, labels = found
        sure.append(probabilities.max(axis=1))
        right.append(probabilities.argmax(axis=1) == labels)
    confidence, hits = np.concatenate(sure), np.concatenate(right)
    places = binned(confidence)
    counts = np.bincount(places, minlength=BINS)
    held = np.flatnonzero(counts)
    means = [np.bincount(places, values, minlength=BINS)[held] / counts[held] for values in (confidence, hits)]
    return means[0].round(4).tolist(), means[1].round(4).tolist(), counts[held].tolist()
