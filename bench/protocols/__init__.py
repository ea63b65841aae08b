"""How a figure is measured, as data, with its hash."""

from .hashes import content_hash
from .protocol import Protocol, differing, fields_apart, make, read_protocol
from .rules import DEFAULT, Rules, all_rules, rules

__all__ = [
    "DEFAULT",
    "Protocol",
    "Rules",
    "all_rules",
    "content_hash",
    "differing",
    "fields_apart",
    "make",
    "read_protocol",
    "rules",
]
