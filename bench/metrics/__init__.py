"""Metrics: one object each, from per-sample evidence to figures with their uncertainty. Numpy alone."""

from ..records import Evidence, Missing
from .metric import Floor, Metric, Subject, family
from .registry import known, metric, names, of, sample_of
from .sample import Groups, Regions, Sample, Values
from .score import Scores, score, subject_of

__all__ = [
    "Evidence",
    "Floor",
    "Groups",
    "Metric",
    "Missing",
    "Regions",
    "Sample",
    "Scores",
    "Subject",
    "Values",
    "family",
    "known",
    "metric",
    "names",
    "of",
    "sample_of",
    "score",
    "subject_of",
]
