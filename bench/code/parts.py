"""What of the code decides what.

- Outputs: all that decides what the evidence of a cell holds. That is the method, but also the data set's reader, the
  evaluation, and the task and the judges, which write confusion counts and features: the images they saw are not kept,
  so that after a change in them only a new evaluation helps.
- Reference: the same without the method, for the evidence of real images.
- Scoring: all that makes figures of evidence. After a change there, evidence is scored again.

Training, pages and pictures decide neither (`installed.LEFT_OUT`).
"""

from __future__ import annotations

from collections.abc import Iterable

from .places import OWN


def reference(task: str, dataset: str, judges: Iterable[str]) -> list[str]:
    """Of the evidence of real images. `task`: its module; `judges`: what these ask for (`judges:unet`)."""
    return [f"{OWN}.bench.run.evaluate", task, f"datasets:{dataset}", *judges]


def outputs(method: str, seen_by: Iterable[str]) -> list[str]:
    """Of a cell's evidence. `method`: its registered name; `seen_by`: that of the reference."""
    return [f"methods:{method}", *seen_by]


def scoring(metrics: Iterable[str]) -> list[str]:
    """Of a cell's figures."""
    return [f"{OWN}.bench.metrics.score", f"{OWN}.bench.records.evidence", *(f"metrics:{name}" for name in metrics)]
