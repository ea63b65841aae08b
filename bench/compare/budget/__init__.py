"""The error budget of a gap between two figures: which part of it comes from what, and which nothing tells."""

from .budget import Budget, Part, budget
from .layout import blocks, plain

__all__ = ["Budget", "Part", "blocks", "budget", "plain"]
