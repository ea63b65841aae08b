"""Uncertainty: plain functions on arrays. Nothing here knows of methods or metrics."""

from .corrections import holm
from .differences import (
    Difference,
    mcnemar,
    over_seed_pairs,
    paired_bootstrap,
    paired_jackknife,
    paired_shares,
    welch,
)
from .intervals import Interval, bootstrap, over_seeds, resampled, wilson
from .jackknife import GROUPS, Jackknifed, groups_of, jackknife, jackknife_error, jackknife_freedom
from .spread import Spread, spread

__all__ = [
    "GROUPS",
    "Difference",
    "Interval",
    "Jackknifed",
    "Spread",
    "bootstrap",
    "groups_of",
    "holm",
    "jackknife",
    "jackknife_error",
    "jackknife_freedom",
    "mcnemar",
    "over_seed_pairs",
    "over_seeds",
    "paired_bootstrap",
    "paired_jackknife",
    "paired_shares",
    "resampled",
    "spread",
    "welch",
    "wilson",
]
