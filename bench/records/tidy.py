"""Records as rows of one tidy table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...symmflow.names import check_path
from .measured import DEFAULT_STORE
from .record import Figure, Record
from .store import read_stored

if TYPE_CHECKING:
    import pandas as pd

DTYPES = {"text": "string", "integer": "Int64", "number": "float64"}
"""Of pandas, by the kind of a column: the same for every store, also where a column is empty."""
LEVEL = 0.95


@dataclass(frozen=True)
class Column:
    """A column of the table. A value that there is not is missing, never zero or an empty text."""

    name: str
    kind: Literal["text", "integer", "number"]
    what: str


COLUMNS = (
    Column("key", "text", "name of the cell: a hash of all that decides its figures"),
    Column("status", "text", "of the cell: ok or failed"),
    Column("method", "text", "name of the method"),
    Column("version", "integer", "of the method, raised when its outputs change"),
    Column("recipe", "text", "that trained the checkpoint; missing where it was made elsewhere"),
    Column("checkpoint", "text", "fingerprint of the weights and of how the recipe uses them"),
    Column("parameters", "integer", "of the network"),
    Column("task", "text", "cls, ss, sis or cycle"),
    Column("dataset", "text", "name of the data set"),
    Column("split", "text", "of the data set"),
    Column("n", "integer", "evaluated images; labels, for synthesis"),
    Column("steps", "integer", "inference steps; missing where the method has none"),
    Column("solver", "text", "missing where the method solves nothing"),
    Column("options", "text", "JSON of the inference options that differ from the method's defaults; missing: none"),
    Column("precision", "text", "fp32, bf16 or fp16"),
    Column("seed", "integer", "generation seed: cells of several seeds are several rows"),
    Column("samples_per_mask", "integer", "syntheses a label"),
    Column("protocol", "text", "its hash: figures of unequal ones must not be compared"),
    Column("protocol_name", "text", "its name: data set, task and version"),
    Column("rules", "text", "the named protocol that it follows"),
    Column("nfe", "number", "network evaluations an image, of the cell standing alone"),
    Column("nfe_executed", "number", "network evaluations an image that were spent, where step counts share some"),
    Column("images_per_second", "number", "median over full batches after a warm-up batch"),
    Column("device", "text", "on which the speed was measured: cpu, cuda:0"),
    Column("chip", "text", "model of the GPU, or of the processor"),
    Column("threads", "integer", "of the CPU; speeds of unequal device, chip, threads or batch_size say nothing"),
    Column("batch_size", "integer", "images a batch"),
    Column(
        "metric", "text", "its name, in brackets the judge where it is not the metric's own; missing: the cell failed"
    ),
    Column("value", "number", "of the metric: shares in [0, 1]"),
    Column("low", "number", "lower end of the interval; missing where none is told"),
    Column("high", "number", "upper end of the interval"),
    Column("level", "number", "share of intervals that hold the true value: 0.95"),
    Column("unit", "text", "fraction (a share in [0, 1]) or distance"),
    Column("better", "text", "higher or lower"),
    Column("covers", "text", "the source of chance that the interval speaks of; where there is none, why"),
    Column("absent", "text", "why the metric was not measured"),
    Column("failure", "text", "why the cell failed, in one line"),
    Column("created", "text", "when the record was made: ISO 8601, UTC"),
)


def load(*results: Path | str) -> pd.DataFrame:
    """All figures of some stores as one tidy table: a row a cell and metric (an absent metric has no value).

    `bench report` writes the same as CSV, Parquet or JSON, and `bench list columns` shows what stands in it:
    """
    folders = [check_path(Path(folder)) for folder in results] or [DEFAULT_STORE]
    return frame(stored.record for stored in read_stored(folders))


load.__doc__ = f"{load.__doc__}\n" + "\n".join(f"    {c.name} ({c.kind}): {c.what}" for c in COLUMNS)


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """The rows of some records, in columns of `COLUMNS` and their `DTYPES`."""
    import pandas as pd

    rows = [row for record in records for row in _rows(record)]
    columns = {c.name: pd.Series([row.get(c.name) for row in rows], dtype=DTYPES[c.kind]) for c in COLUMNS}
    return pd.DataFrame(columns)


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    """A row a metric, also of those that are absent; one without a metric for a cell that has none."""
    cell = _of_cell(record)
    for name, figure in record.metrics.items():
        yield cell | {"metric": name} | _of_figure(figure)
    for name, reason in record.absent.items():
        yield cell | {"metric": name, "absent": reason}
    if not record.metrics and not record.absent:
        yield cell


def _of_cell(record: Record) -> dict[str, Any]:
    cost, facts = record.cost, record.provenance
    found = record.model_dump(
        include={
            *("key", "status", "method", "version", "task", "dataset", "split", "n", "steps", "solver", "precision"),
            *("seed", "samples_per_mask", "nfe", "nfe_executed", "created"),
        }
    )
    return found | {
        "recipe": record.checkpoint.recipe,
        "checkpoint": record.checkpoint.fingerprint,
        "parameters": record.checkpoint.parameters,
        "options": json.dumps(record.chosen, sort_keys=True) if record.chosen else None,
        "protocol": record.protocol["hash"],
        "protocol_name": record.protocol["name"],
        "rules": record.protocol.get("rules"),
        "images_per_second": cost.images_per_second if cost else None,
        "device": cost.device if cost else None,
        "chip": (facts["gpu"] if "gpu" in facts else facts.get("cpu")) if cost else None,
        "threads": facts.get("threads"),
        "batch_size": cost.batch_size if cost else None,
        "failure": (record.failure or "unknown reason") if record.status == "failed" else None,
    }


def _of_figure(figure: Figure) -> dict[str, Any]:
    return figure.model_dump() | {"covers": figure.covers or None, "level": None if figure.low is None else LEVEL}
