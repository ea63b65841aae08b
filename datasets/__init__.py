"""Data sets: one file each, behind one card. `manifest` says which samples a split has, `load` gives them."""

from .card import Card
from .dataset import DataSet, Embedded
from .registry import card, cards, dataset, load, manifest, names
from .split import ArraySplit, Batch, Manifest, Split

__all__ = [
    "ArraySplit",
    "Batch",
    "Card",
    "DataSet",
    "Embedded",
    "Manifest",
    "Split",
    "card",
    "cards",
    "dataset",
    "load",
    "manifest",
    "names",
]
