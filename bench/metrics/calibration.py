"""Are predicted probabilities honest? Brier score and calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..records import Missing
from ..statistics import GROUPS, Jackknifed, groups_of
from .metric import Floor, Metric, Subject
from .sample import Groups, Values

if TYPE_CHECKING:
    from ..records import Evidence

Array = np.ndarray
BINS = 15


def brier(probabilities: Array, labels: Array) -> Array:
    """Squared error of probabilities [N, K] against the one-hot label, an image: [N] in [0, 2] (Brier 1950)."""
    return np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(axis=1)


def expected_calibration_error(probabilities: Array, labels: Array, ids: Sequence[str]) -> Jackknifed:
    """Mean gap between confidence and accuracy over 15 bins of equal width, weighted by size (Guo et al. 2017).

    Resampling would add a bias, as it does to Fréchet distances; the estimand is the expectation at this sample size.
    """
    confidence = probabilities.max(axis=1)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    bins = binned(confidence)
    dealt = groups_of(ids)
    groups = np.array([dealt[i] for i in ids])
    gaps, sizes = np.zeros((GROUPS, BINS)), np.bincount(groups, minlength=GROUPS)
    np.add.at(gaps, (groups, bins), gap)

    def error(keep: Array) -> float:
        return float(np.abs(gaps[keep].sum(axis=0)).sum() / sizes[keep].sum())

    return Jackknifed.of(sizes > 0, error, pairs=False)


def binned(confidence: Array) -> Array:
    """The bin of each confidence, 0 to `BINS` - 1."""
    return np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)  # open below, closed above


def probabilities_of(evidence: Evidence) -> Missing | tuple[Sequence[str], Array, Array]:
    """Ids, probabilities and labels; none where the scores are something else."""
    rows = evidence.table("samples")
    scale = str(rows["scale"].iloc[0]) if "scale" in rows else "unknown"
    if scale != "probability":
        return Missing(f"the scores are no probabilities ({scale})")
    return rows["id"].to_list(), np.stack(rows["scores"].to_list()), rows["label"].to_numpy()


def _brier(evidence: Evidence, subject: Subject) -> Values | Missing:
    found = probabilities_of(evidence)
    if isinstance(found, Missing):
        return found
    ids, probabilities, labels = found
    return Values.of(ids, brier(probabilities, labels))


def _ece(evidence: Evidence, subject: Subject) -> Groups | Missing:
    found = probabilities_of(evidence)
    if isinstance(found, Missing):
        return found
    ids, probabilities, labels = found
    return Groups.of(expected_calibration_error(probabilities, labels, ids))


BRIER = Metric(
    name="brier",
    version=1,
    tasks=("cls",),
    what="Brier score, where the scores are probabilities",
    unit="distance",
    better="lower",
    floor=Floor(absolute=0.01),
    rank=12,
    sample=_brier,
)
ECE = Metric(
    name="ece",
    version=1,
    tasks=("cls",),
    what="expected calibration error, 15 bins, where the scores are probabilities",
    better="lower",
    interval="delete-group jackknife",
    floor=Floor(absolute=0.01),
    kind=Groups,
    rank=13,
    sample=_ece,
)
