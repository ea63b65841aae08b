"""The independent networks that look at outputs, pinned by the hash of their weights."""

from ..records import Missing
from .extractors import Extractor
from .judge import Align, Distance, Features, Found, Judge, Named, Role
from .registry import choose, code, judge, load, names, to_fetch

__all__ = [
    "Align",
    "Distance",
    "Extractor",
    "Features",
    "Found",
    "Judge",
    "Missing",
    "Named",
    "Role",
    "choose",
    "code",
    "judge",
    "load",
    "names",
    "to_fetch",
]
