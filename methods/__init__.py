"""Methods: one file each, behind one interface: segment, classify, synthesize."""

from ..symmflow.recipe import Table
from .base import Classification, Foreign, Method, Segmentation
from .does import TASKS, YES, Classify, Does, Segment, Support, Synthesize, no
from .registry import base, bundled, checkpoint, label, method, names, own_checkpoint, recipe, recipe_names
from .sampling import Sampling

__all__ = [
    "TASKS",
    "YES",
    "Classification",
    "Classify",
    "Does",
    "Foreign",
    "Method",
    "Sampling",
    "Segment",
    "Segmentation",
    "Support",
    "Synthesize",
    "Table",
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
