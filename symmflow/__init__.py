"""Symmetrical Flow Matching (SymmFlow): path, labels, networks, solvers, objective and trainer."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import Checkpoint as Checkpoint
    from .checkpoint import open_checkpoint as open_checkpoint
    from .errors import InputError as InputError
    from .flow import SymmFlow as SymmFlow
    from .labels import ClassMap as ClassMap
    from .labels import Palette as Palette
    from .labels import anchors as anchors
    from .networks import build_network as build_network
    from .noise import Draws as Draws
    from .objective import SymmFlowObjective as SymmFlowObjective
    from .path import SymmetricPath as SymmetricPath
    from .recipe import Recipe as Recipe
    from .recipe import read_recipe as read_recipe
    from .solvers import integrate as integrate
    from .train import Trainer as Trainer

_HOMES = {
    "Checkpoint": "checkpoint",
    "ClassMap": "labels",
    "Draws": "noise",
    "InputError": "errors",
    "Palette": "labels",
    "Recipe": "recipe",
    "SymmFlow": "flow",
    "SymmFlowObjective": "objective",
    "SymmetricPath": "path",
    "Trainer": "train",
    "anchors": "labels",
    "build_network": "networks",
    "integrate": "solvers",
    "open_checkpoint": "checkpoint",
    "read_recipe": "recipe",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import on first use, so that reading a recipe does not import torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
