"""Distances between the features of syntheses and of real images: FID, FID-infinity, KID; diversity of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..records import Missing
from ..statistics import Jackknifed
from .frechet import at_infinity, frechet, kernel_distance
from .metric import Floor, Metric, Subject
from .sample import Groups, Values

if TYPE_CHECKING:
    from ..records import Evidence

PAIRLESS = Missing("one sample a label has no pairs (--samples-per-mask)")


def _sizes(evidence: Evidence) -> tuple[int, int, int]:
    """Syntheses, real images, dimensions of the features."""
    d = next(evidence.features(1))[1].shape[1]
    return len(evidence.table("samples")), len(evidence.real.table("samples")), d


def _lacking(evidence: Evidence) -> Missing | None:
    return Missing("one image has no covariance") if min(_sizes(evidence)[:2]) < 2 else None


def _frechet(evidence: Evidence) -> Jackknifed:
    return evidence.once("frechet", lambda: frechet(evidence.features, evidence.real.features))


def _fid(evidence: Evidence, subject: Subject) -> Groups | Missing:
    return _lacking(evidence) or Groups.of(_frechet(evidence))


def _fid_infinity(evidence: Evidence, subject: Subject) -> Groups | Missing:
    if missing := _lacking(evidence):
        return missing
    n, real, d = _sizes(evidence)
    if min(n, real) <= d or not _frechet(evidence).without:
        return Missing(f"{min(n, real):,} images are too few for {d:,} features")
    return Groups.of(at_infinity(_frechet(evidence)))


def _kid(evidence: Evidence, subject: Subject) -> Groups | Missing:
    return _lacking(evidence) or Groups.of(kernel_distance(evidence.features, evidence.real.features))


def of_pairs(evidence: Evidence, column: str) -> Values | Missing:
    """Mean distances over the pairs of samples of each label, which stand at every sample of it."""
    rows = evidence.table("samples")
    if column not in rows:
        return PAIRLESS
    rows = rows[rows["draw"] == 0]
    return Values.of(rows["id"], rows[column])


def _details(evidence: Evidence, subject: Subject) -> dict[str, Any]:
    n, real, d = _sizes(evidence)
    said: dict[str, Any] = {"n": n, "reference_n": real, "d": d, "n_over_d": round(min(n, real) / d, 2)}
    if min(n, real) < d:
        said["warning"] = "fewer images than feature dimensions: the Fréchet distance is mostly bias"
    return {"features": said}


_OF_FEATURES: dict[str, Any] = {
    "version": 1,
    "tasks": ("sis",),
    "unit": "distance",
    "judge": "extractor",
    "own_judge": "inception",
    "details": _details,
}
_OF_SETS: dict[str, Any] = _OF_FEATURES | {"better": "lower", "interval": "delete-group jackknife", "kind": Groups}
FID = Metric(
    name="fid",
    what="Fréchet distance; fid[NAME] when the features are not the FID Inception's",
    floor=Floor(relative=0.05),
    headline=True,
    rank=30,
    sample=_fid,
    **_OF_SETS,
)
FID_INFINITY = Metric(
    name="fid_infinity",
    what="the same for endless samples, by extrapolation",
    floor=Floor(relative=0.05),
    rank=31,
    sample=_fid_infinity,
    **_OF_SETS,
)
KID = Metric(
    name="kid",
    what="unbiased squared MMD, cubic kernel; named like fid",
    floor=Floor(relative=0.10),
    rank=32,
    sample=_kid,
    **_OF_SETS,
)
FEATURE_DIVERSITY = Metric(
    name="feature_diversity",
    what="distance between the features of samples of one label; named like fid",
    interval="bootstrap over labels",
    floor=Floor(relative=0.05),
    rank=33,
    sample=lambda evidence, subject: of_pairs(evidence, "feature_diversity"),
    **_OF_FEATURES,
)
