"""Metrics: one object each, from per-sample evidence to figures with their uncertainty. Numpy alone."""

from ..records import Evidence, Missing
from .metric import Floor, Metric, Subject, family
from .registry import contradicted, known, metric, names, of, sample_of, samples_of
from .sample import Groups, Regions, Sample, Values, is_same
from .score import Scores, score, subject_of
from .seeds import difference_over_seeds, interval_over_seeds, mean_over_images

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
    "contradicted",
    "difference_over_seeds",
    "family",
    "interval_over_seeds",
    "is_same",
    "known",
    "mean_over_images",
    "metric",
    "names",
    "of",
    "sample_of",
    "samples_of",
    "score",
    "subject_of",
]
