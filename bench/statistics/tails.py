"""Tails and quantiles of the normal and of Student's t: those of `scipy.stats`, which takes a hundred times as long."""

from __future__ import annotations

from scipy import special


def normal_above(x: float) -> float:
    """The share of a standard normal that lies above x."""
    return float(special.ndtr(-x))


def normal_quantile(share: float) -> float:
    return float(special.ndtri(share))


def student_above(x: float, freedom: float) -> float:
    """The share of Student's t that lies above x; endless freedom: of a standard normal."""
    return float(special.stdtr(freedom, -x))


def student_quantile(share: float, freedom: float) -> float:
    return float(special.stdtrit(freedom, share))
