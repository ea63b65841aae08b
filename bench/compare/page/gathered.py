"""What all sections of the page see: the cells, their tables, and what is asked of them more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ....reports.html import Head, Legend
from ....reports.html.render import hues
from ....symmflow.errors import InputError
from ... import metrics
from ...records import Stored
from ..choice import Filter
from ..floors import Floors
from ..fronts import Front, front
from ..leaders import leaders
from ..rows import Row
from ..tables import Table


@dataclass(frozen=True)
class Page:
    """The wanted cells of some stores, side by side. Sections ask it, and give plain values."""

    cells: Sequence[Stored]
    tables: Sequence[Table]
    limits: Floors
    wanted: Filter = field(default_factory=Filter)
    folders: Sequence[Path] = ()

    @cached_property
    def methods(self) -> list[str]:
        """In the order of their names: each is toggled, and has a colour, everywhere."""
        return sorted({cell.record.method for cell in self.cells})

    @cached_property
    def legend(self) -> list[Legend]:
        return hues(self.methods)

    @cached_property
    def hue(self) -> dict[str, int]:
        return {one.method: one.hue for one in self.legend}

    @cached_property
    def leaders(self) -> list[dict[str, Sequence[Row]]]:
        """Of each table, as tables on paper mark them."""
        return [leaders(table, self.limits) for table in self.tables]

    @cached_property
    def fronts(self) -> list[tuple[Table, Front | str]]:
        """Of each table and headline metric; or why there is none."""
        found: list[tuple[Table, Front | str]] = []
        for table in self.tables:
            for name in headlines(table):
                try:
                    found.append((table, front(table, name, self.limits)))
                except InputError as error:
                    found.append((table, f"{name}: {error}"))
        return found

    @property
    def head(self) -> Head:
        from importlib.metadata import version

        records = [cell.record for cell in self.cells]
        newest = max(record.created for record in records)[:10]
        datasets = sorted({record.dataset for record in records})
        said = [
            f"{_count(len(self.methods), 'method')} on {', '.join(datasets)}",
            _count(len(records), "cell"),
            f"newest record of {newest}",
            f"symmbench {version('symmbench')}",
        ]
        return Head("Benchmark report", said, self.legend)


def headlines(table: Table) -> list[str]:
    """The metrics by which a table is summed up: those that are drawn; without any, its first one."""
    found = [name for name in table.metrics if (m := metrics.known(name)) is not None and m.headline]
    return found or table.metrics[:1]


def columns(table: Table) -> list[tuple[str, str]]:
    """Its metrics, each with `higher` or `lower`: which is better."""
    first = {name: figure.better for row in reversed(table.rows) for name, figure in row.metrics.items()}
    return [(name, first[name]) for name in table.metrics]


def anchor(place: int) -> str:
    """Of the table at a place among all."""
    return f"table-{place + 1}"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
