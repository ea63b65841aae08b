"""Uncertainty: plain functions on arrays. Nothing here knows of methods or metrics."""

from .corrections import holm
from .differences import (
    Difference,
    mcnemar,
    over_seed_pairs,
    paired_bootstrap,
    paired_jackknife,
    paired_ratios,
    paired_resamples,
    paired_shares,
    welch,
)
from .intervals import Interval, bootstrap, resampled, wilson
from .jackknife import GROUPS, UNGROUPED, Jackknifed, groups_of, jackknife, jackknife_error, jackknife_freedom
from .overlapping import independent, overlapping_bootstrap
from .ratios import FEW, FEW_IN_ALL, MeanRatio
from .seeds import difference_over_seeds, interval_over_seeds
from .spread import Spread, spread

__all__ = [
    "FEW",
    "FEW_IN_ALL",
    "GROUPS",
    "UNGROUPED",
    "Difference",
    "Interval",
    "Jackknifed",
    "MeanRatio",
    "Spread",
    "bootstrap",
    "difference_over_seeds",
    "groups_of",
    "holm",
    "independent",
    "interval_over_seeds",
    "jackknife",
    "jackknife_error",
    "jackknife_freedom",
    "mcnemar",
    "over_seed_pairs",
    "overlapping_bootstrap",
    "paired_bootstrap",
    "paired_jackknife",
    "paired_ratios",
    "paired_resamples",
    "paired_shares",
    "resampled",
    "spread",
    "welch",
    "wilson",
]
