"""Methods: one file each, behind one interface: segment, classify, synthesize."""

from .base import TASKS, YES, Classification, Foreign, Method, Segmentation, Support, no
from .registry import base, bundled, checkpoint, label, method, names, own_checkpoint, recipe, recipe_names

__all__ = [
    "TASKS",
    "YES",
    "Classification",
    "Foreign",
    "Method",
    "Segmentation",
    "Support",
    "base",
    "bundled",
    "checkpoint",
    "label",
    "method",
    "names",
    "no",
    "own_checkpoint",
    "recipe",
    "recipe_names",
]
