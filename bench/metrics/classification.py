"""Accuracy of a classification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import Missing
from .metric import Floor, Metric, Subject
from .sample import Values

if TYPE_CHECKING:
    from ..records import Evidence

LEAST = 10
"""Classes without which a top-5 says nothing."""


def _accuracy(evidence: Evidence, subject: Subject) -> Values:
    rows = evidence.table("samples")
    return Values.of(rows["id"], rows["label"] == rows["prediction"])


def _per_class(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    rows = evidence.table("samples")
    correct, labels = (rows["label"] == rows["prediction"]).to_numpy(), rows["label"].to_numpy()
    named = {name: correct[labels == k] for k, name in enumerate(subject.classes)}
    return {"accuracy_per_class": {name: float(mine.mean()) for name, mine in named.items() if len(mine)}}


def _top5(evidence: Evidence, subject: Subject) -> Values | Missing:
    rows = evidence.table("samples")
    scores, label = np.stack(rows["scores"].to_list()), rows["label"].to_numpy()
    if scores.shape[1] < LEAST:
        return Missing(f"{scores.shape[1]} classes are too few for a top-5")
    own = scores[np.arange(len(rows)), label]
    return Values.of(rows["id"], (scores >= own[:, None]).sum(axis=1) <= 5)  # a tie counts against the method


ACCURACY = Metric(
    name="accuracy",
    version=1,
    tasks=("cls",),
    what="share of right classes",
    interval="Wilson",
    floor=Floor(absolute=0.01),
    headline=True,
    rank=10,
    sample=_accuracy,
    details=_per_class,
)
TOP5 = Metric(
    name="top5",
    version=1,
    tasks=("cls",),
    what="share of images whose class is among the five best scores (10 classes or more)",
    interval="Wilson",
    floor=Floor(absolute=0.01),
    rank=11,
    sample=_top5,
)
