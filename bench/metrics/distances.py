"""Distances between the features of syntheses and of real images: FID, FID-infinity, KID; diversity of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ..records import Missing
from ..statistics import Jackknifed
from .frechet import at_infinity, frechet, frechet_to, kernel_distance
from .metric import Floor, Metric, Subject
from .reference import Statistics, read_statistics
from .sample import Groups, Values

if TYPE_CHECKING:
    from ..records import Evidence

UNPAIRED = Missing("the syntheses are of no certain labels (--unpaired)")
SINGLE = Missing("one image has no covariance")
PAIRLESS = Missing("one sample a label has no pairs (--samples-per-mask)")


def _sizes(evidence: Evidence) -> tuple[int, int, int]:
    """Syntheses, real images, dimensions of the features."""
    d, n = next(evidence.features(1))[1].shape[1], len(evidence.table("samples"))
    return n, n if evidence.statistics else len(evidence.real.table("samples")), d


def _single(evidence: Evidence) -> bool:
    return min(_sizes(evidence)[:2]) < 2


def _frechet(evidence: Evidence) -> Jackknifed:
    if evidence.statistics is None:
        return evidence.once("frechet", lambda: frechet(evidence.features, evidence.real.features))
    given = read_statistics(evidence.statistics)
    require_fit(given, evidence)
    return evidence.once("frechet", lambda: frechet_to(evidence.features, given.mean, given.covariance))


def require_fit(given: Statistics, evidence: Evidence) -> None:
    """Raise `InputError` where statistics are of other features than the evidence's."""
    if (d := next(evidence.features(1))[1].shape[1]) != len(given.mean):
        raise InputError(
            f"the statistics of --reference are of {len(given.mean):,} features, and the extractor gives {d:,}; name "
            "the extractor that they were made with (--extractor inception)."
        )


def _fid(evidence: Evidence, subject: Subject) -> Groups | Missing:
    return SINGLE if _single(evidence) else Groups.of(_frechet(evidence))


def _fid_infinity(evidence: Evidence, subject: Subject) -> Groups | Missing:
    if _single(evidence):
        return SINGLE
    n, real, d = _sizes(evidence)
    if min(n, real) <= d or not _frechet(evidence).without:
        return Missing(f"{min(n, real):,} images are too few for {d:,} features")
    return Groups.of(at_infinity(_frechet(evidence)))


def _kid(evidence: Evidence, subject: Subject) -> Groups | Missing:
    if evidence.statistics:
        return Missing("--reference gives a mean and a covariance, and no images")
    return SINGLE if _single(evidence) else Groups.of(kernel_distance(evidence.features, evidence.real.features))


def of_pairs(evidence: Evidence, column: str) -> Values | Missing:
    """Mean distances over the pairs of samples of each label, which stand at every sample of it."""
    rows = evidence.table("samples")
    if not labelled(evidence):
        return UNPAIRED
    if column not in rows:
        return PAIRLESS
    rows = rows[rows["draw"] == 0]
    return Values.of(rows["id"], rows[column])


def labelled(evidence: Evidence) -> bool:
    """Whether it is known which label each synthesis is of; else nothing can be told of single ones."""
    return "draw" in evidence.table("samples")


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
