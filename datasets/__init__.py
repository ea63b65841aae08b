"""Data sets: one file each, behind one card. `card(name)` gives the facts, `load(name, split)` the samples."""

from .card import Batch, Card, Split
from .registry import card, load, names

__all__ = ["Batch", "Card", "Split", "card", "load", "names"]
