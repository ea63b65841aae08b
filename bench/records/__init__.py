"""Records, the store that keeps them, the evidence beside them, and where they come from."""

from .cell import Cell, Coordinates
from .code import Code
from .evidence import IMAGES, Evidence, Kept, Replaced, lot, shard_count
from .measured import DEFAULT_STORE, measured_at
from .missing import Missing
from .record import CheckpointFacts, Cost, Figure, JudgeFacts, Record, dumps, read_record
from .shards import SHARD, Generation, Shard, begin, joined, write_shard
from .store import Store, Stored, read_stored, steadily
from .whole import check_ids, check_samples

__all__ = [
    "DEFAULT_STORE",
    "IMAGES",
    "SHARD",
    "Cell",
    "CheckpointFacts",
    "Code",
    "Coordinates",
    "Cost",
    "Evidence",
    "Figure",
    "Generation",
    "JudgeFacts",
    "Kept",
    "Missing",
    "Record",
    "Replaced",
    "Shard",
    "Store",
    "Stored",
    "begin",
    "check_ids",
    "check_samples",
    "dumps",
    "joined",
    "lot",
    "measured_at",
    "read_record",
    "read_stored",
    "shard_count",
    "steadily",
    "write_shard",
]
