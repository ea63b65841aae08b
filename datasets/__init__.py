"""Data sets: one file each, behind one card. `manifest` says which samples a split has, `load` gives them."""

from .card import Card
from .dataset import DataSet, Embedded, Family
from .describe import describe
from .filed import FileDataSet
from .layout import IMAGE, MASK, Layout, Sample
from .lazy import FileSplit
from .prepared import prepare
from .registry import card, cards, dataset, families, get, load, located, manifest, named, names, seen_by
from .split import ArraySplit, Batch, Manifest, Split
from .view import View, split_name, view

__all__ = [
    "IMAGE",
    "MASK",
    "ArraySplit",
    "Batch",
    "Card",
    "DataSet",
    "Embedded",
    "Family",
    "FileDataSet",
    "FileSplit",
    "Layout",
    "Manifest",
    "Sample",
    "Split",
    "View",
    "card",
    "cards",
    "dataset",
    "describe",
    "families",
    "get",
    "load",
    "located",
    "manifest",
    "named",
    "names",
    "prepare",
    "seen_by",
    "split_name",
    "view",
]
