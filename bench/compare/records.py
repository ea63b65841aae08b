"""What a run gave, as scripts use it and notebooks show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...reports.block import Block, to_html
from ..records import Record, Stored
from . import tables


class Records(list[Record]):
    """What a run gave: the records in the order of the request. A notebook shows their tables."""

    def __init__(
        self,
        *,
        cells: Sequence[Stored],
        unsupported: Sequence[Any],
        evaluated: int,
        reused: int,
        rescored: int,
        said: Sequence[str],
        broken: Sequence[str] = (),
    ) -> None:
        super().__init__(cell.record for cell in cells)
        self.cells, self.unsupported, self.said, self.broken = cells, unsupported, said, broken
        self.evaluated, self.reused, self.rescored = evaluated, reused, rescored

    @property
    def failed(self) -> list[Record]:
        return [record for record in self if record.status == "failed"]

    def blocks(self) -> list[Block]:
        """A table a protocol."""
        return [tables.block(table) for table in tables.tables(self.cells)]

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"<{len(self)} records{failed}: {', '.join(dict.fromkeys(f'{r.dataset}/{r.task}' for r in self))}>"

    def _repr_html_(self) -> str:
        return to_html(self.blocks())
