"""The Python interface for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ..symmflow.checkpoint import Checkpoint
    from .compare.rows import Table
    from .records.record import Record


def run(**request: Any) -> list[Record]:
    """Evaluate; the keywords are the fields of `symmbench.bench.run.plan.Request`. Returns the records."""
    from .run.plan import Request, plan
    from .run.sweep import sweep

    paths = ("out", "data_root")
    fields: dict[str, Any] = {k: Path(v) if k in paths and v is not None else v for k, v in request.items()}
    wanted = Request(**fields)
    return sweep(plan(wanted), wanted).records


def train(
    recipe: str, out: Path | str | None = None, *, overrides: dict[str, Any] | None = None, **options: Any
) -> Checkpoint:
    """Train a bundled recipe (or a TOML file) into a folder; options as `symmbench.bench.run.training.run_training`."""
    from .. import methods
    from .run.training import run_training

    chosen = methods.recipe(recipe, overrides)
    return run_training(chosen, Path(out) if out else Path("runs") / chosen.name, **options)


def compare(*results: Path | str, tasks: Sequence[str] = (), datasets: Sequence[str] = ()) -> list[Table]:
    """Tables of the records in some folders, one a protocol."""
    from .compare.rows import Filter, choose, read_records, tables

    folders = [Path(r) for r in results] or [Path("results")]
    return tables(choose(read_records(folders), Filter(tasks=tasks, datasets=datasets)), folders=folders)


def load(results: Path | str = "results") -> pd.DataFrame:
    """All records of a folder as one table: a row a record, metrics as `accuracy`, `accuracy.low`, `accuracy.high`."""
    import pandas as pd

    from .compare.rows import read_records

    rows = []
    for record in read_records([Path(results)]):
        row = record.model_dump(
            mode="json", exclude={"metrics", "absent", "details", "provenance", "cost", "checkpoint", "protocol"}
        )
        row |= {
            "checkpoint": record.checkpoint.sha256,
            "recipe": record.checkpoint.recipe,
            "protocol": record.protocol["hash"],
        }
        for name, metric in record.metrics.items():
            row |= {name: metric.value, f"{name}.low": metric.low, f"{name}.high": metric.high}
        row |= {"images_per_second": record.cost.images_per_second if record.cost else None}
        rows.append(row)
    return pd.DataFrame(rows)
