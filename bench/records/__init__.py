"""Records, the store that keeps them, the evidence beside them, and where they come from."""

from .cell import Cell, Coordinates
from .code import Code
from .evidence import SHARD, Evidence, Shard, begin, begun_by, has_shard, shard_count, write_shard
from .missing import Missing
from .record import CheckpointFacts, Cost, Figure, Record, dumps, read_record
from .store import Store, Stored, read_stored

__all__ = [
    "SHARD",
    "Cell",
    "CheckpointFacts",
    "Code",
    "Coordinates",
    "Cost",
    "Evidence",
    "Figure",
    "Missing",
    "Record",
    "Shard",
    "Store",
    "Stored",
    "begin",
    "begun_by",
    "dumps",
    "has_shard",
    "read_record",
    "read_stored",
    "shard_count",
    "write_shard",
]
