"""Methods: one file each, behind one interface: segment, classify, synthesize."""

from .base import TASKS, YES, Classification, Method, Segmentation, Support, no
from .registry import bundled, checkpoint, method, names, recipe, recipe_names

__all__ = [
    "TASKS",
    "YES",
    "Classification",
    "Method",
    "Segmentation",
    "Support",
    "bundled",
    "checkpoint",
    "method",
    "names",
    "no",
    "recipe",
    "recipe_names",
]
