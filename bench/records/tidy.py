"""Records as rows of one tidy table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symmflow.names import check_path
from .record import Record
from .store import read_stored

if TYPE_CHECKING:
    import pandas as pd


def load(*results: Path | str) -> pd.DataFrame:
    """All figures of some stores as one tidy table: a row a cell and metric (an absent metric has no value).

    Columns: key, status, method, recipe, checkpoint, task, dataset, split, n, steps, solver, precision, seed, protocol
    (its hash), rules, nfe, nfe_executed, images_per_second, device, threads, batch_size (speeds of
    unequal ones say nothing of each other), metric, value, low, high, unit, better, covers, absent (the reason),
    created.
    """
    import pandas as pd

    folders = [check_path(Path(folder)) for folder in results] or [Path("results")]
    return pd.DataFrame([row for stored in read_stored(folders) for row in rows_of(stored.record)])


def rows_of(record: Record) -> Iterator[dict[str, Any]]:
    """A row a metric, also of those that are absent; one without a metric for a cell that failed."""
    cell = {
        "key": record.key,
        "status": record.status,
        "method": record.method,
        "recipe": record.checkpoint.recipe,
        "checkpoint": record.checkpoint.fingerprint,
        "task": record.task,
        "dataset": record.dataset,
        "split": record.split,
        "n": record.n,
        "steps": record.steps,
        "solver": record.solver,
        "precision": record.precision,
        "seed": record.seed,
        "protocol": record.protocol["hash"],
        "rules": record.protocol["rules"],
        "nfe": record.nfe,
        "nfe_executed": record.nfe_executed,
        "images_per_second": record.cost.images_per_second if record.cost else None,
        "device": record.cost.device if record.cost else None,
        "threads": record.provenance.get("threads"),
        "batch_size": record.cost.batch_size if record.cost else None,
    }
    nothing = dict.fromkeys(("metric", "value", "low", "high", "unit", "better", "covers", "absent"))
    for name, figure in record.metrics.items():
        yield cell | nothing | {"metric": name} | figure.model_dump() | {"created": record.created}
    for name, reason in record.absent.items():
        yield cell | nothing | {"metric": name, "absent": reason, "created": record.created}
    if not record.metrics and not record.absent:
        yield cell | nothing | {"created": record.created}
