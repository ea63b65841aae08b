"""What was taken for what: confusion counts of a row, from the evidence of its cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...symmflow.errors import InputError
from ..protocols import read_protocol
from ..records import Evidence, Missing, Replaced, Stored
from .rows import Row

Array = np.ndarray


@dataclass(frozen=True)
class Confusion:
    """Counts over the whole split and all seeds of a row."""

    classes: tuple[str, ...]
    counts: Array
    """[K, K]: images or pixels of a true class (row) that were taken for another (column)."""

    @property
    def shares(self) -> Array:
        """[K, K]: of each true class, in [0, 1]; NaN where the truth has none of it."""
        with np.errstate(invalid="ignore"):
            return self.counts / self.counts.sum(axis=1, keepdims=True)

    def most(self, classes: int) -> Confusion:
        """Of so many classes with the most that went wrong, in the data set's order, and one of all others."""
        k = len(self.classes)
        if k <= classes + 1:
            return self
        wrong = self.counts.sum(axis=1) + self.counts.sum(axis=0) - 2 * np.diag(self.counts)
        kept = np.sort(np.argsort(-wrong, kind="stable")[:classes])
        place = np.full(k, classes)
        place[kept] = np.arange(classes)
        counts = np.zeros((classes + 1, classes + 1))
        np.add.at(counts, (place[:, None], place[None, :]), self.counts)
        return Confusion((*(self.classes[i] for i in kept), f"{k - classes} others"), counts)


def confusion(row: Row) -> Confusion | Missing:
    """Of a row whose evidence tells what was true and what was said."""
    classes = _classes(row.cells[0])
    if not classes:
        return Missing("the record does not name its classes")
    counts = np.zeros((len(classes), len(classes)))
    for cell in row.cells:
        try:
            cell.check()
            truth, said, n = _counted(cell.evidence)
            np.add.at(counts, (truth, said), n)
        except Replaced:
            raise
        except (InputError, IndexError) as error:  # pruned or damaged, or of other classes
            return Missing(str(error).rstrip("."))
    return Confusion(classes, counts)


def _classes(cell: Stored) -> tuple[str, ...]:
    if classes := cell.record.details.get("classes"):
        return tuple(classes)
    try:
        protocol = read_protocol(cell.record.protocol["hash"], [cell.store.root])
    except InputError:  # edited since
        return ()
    return protocol.classes if protocol else ()


def _counted(evidence: Evidence) -> tuple[Array, Array, Array]:
    """Truth, what was said, how often: from predictions of single labels, else from counts of pixels."""
    rows = evidence.table("samples")
    if "label" in rows and "prediction" in rows:
        return rows["label"].to_numpy(), rows["prediction"].to_numpy(), np.ones(len(rows))
    rows = evidence.table("confusion")
    return rows["truth"].to_numpy(), rows["prediction"].to_numpy(), rows["pixels"].to_numpy()
