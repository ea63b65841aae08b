"""What all sections of the page see: the cells, their tables, and what is asked of them more than once."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ....reports.html import Head, Legend
from ....reports.html.charts import Owner
from ....reports.html.render import hues
from ....symmflow.errors import InputError
from ... import metrics
from ...protocols import Protocol, read_protocol
from ...records import Stored
from ..choice import Filter
from ..floors import Floors
from ..fronts import Front, front
from ..leaders import leaders
from ..rows import Row
from ..tables import Table
from .album import Album


@dataclass(frozen=True)
class Page:
    """The wanted cells of some stores, side by side. Sections ask it, and give plain values."""

    cells: Sequence[Stored]
    tables: Sequence[Table]
    limits: Floors
    wanted: Filter = field(default_factory=Filter)
    folders: Sequence[Path] = ()
    by_seed: bool = False
    floors: Path | None = None
    """Where `limits` come from, if not from the metrics."""
    data_root: Path | None = None
    """Where the data lie whose images records may not hold."""
    every: Sequence[Stored] = ()
    """All cells of the stores, those too that are not wanted."""
    unread: Sequence[str] = ()
    """What is left out, because it cannot be read, and why."""

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

    def owners(self, table: Table) -> dict[str, Owner]:
        """By the name of a row: its method, and that one's colour."""
        return {row.name: Owner(row.method, self.hue[row.method]) for row in table.rows}

    @cached_property
    def leaders(self) -> dict[str, dict[str, Sequence[Row]]]:
        """By protocol and metric, as tables on paper mark them."""
        return {table.protocol: leaders(table, self.limits) for table in self.tables}

    @cached_property
    def fronts(self) -> dict[tuple[str, str], Front | str]:
        """By protocol and headline metric; or why there is none."""
        found: dict[tuple[str, str], Front | str] = {}
        for table in self.tables:
            for name in headlines(table):
                try:
                    found[table.protocol, name] = front(table, name, self.limits)
                except InputError as error:
                    found[table.protocol, name] = str(error)
        return found

    @cached_property
    def albums(self) -> list[Album]:
        """The pictures of each table."""
        known = [(table, self.protocol(table)) for table in self.tables]
        return [Album(table, self.data_root, of.content_sha256 if of else "") for table, of in known]

    def protocol(self, table: Table) -> Protocol | None:
        """The whole of it; None where no store has it as it was."""
        try:
            return read_protocol(table.protocol, self.folders)
        except InputError:  # edited since; whoever scores its cells is told
            return None

    def things(self, table: Table) -> str:
        """What it was measured on: `images`, or `points`."""
        protocol = self.protocol(table)
        return "points" if protocol is not None and len(protocol.shape) == 1 else "images"

    def command(self, table: Table) -> str:
        """The `bench compare` that shows a table with these cells."""
        several = len([t for t in self.tables if (t.task, t.dataset) == (table.task, table.dataset)]) > 1
        options = {
            **self._options,
            "--task": table.task,
            "--dataset": table.dataset,
            "--floors": str(self.floors or ""),
        }
        options |= {"--protocol": table.protocol[:8]} if several else {}
        said = [f"{name} {shlex.quote(value)}" for name, value in options.items() if value]
        said += ["--by-seed"] if self.by_seed else []
        return " ".join(["bench compare", *(shlex.quote(str(folder)) for folder in self.folders), *said])

    @property
    def _options(self) -> dict[str, str]:
        """How a command line says what is wanted."""
        wanted = self.wanted
        return {
            "--task": ",".join(wanted.tasks),
            "--dataset": ",".join(wanted.datasets),
            "--method": ",".join(wanted.methods),
            "--steps": ",".join(map(str, wanted.steps)),
            "--protocol": wanted.protocol,
        }

    @property
    def _filter(self) -> list[str]:
        return [f"{name} {shlex.quote(value)}" for name, value in self._options.items() if value]

    @property
    def head(self) -> Head:
        from importlib.metadata import version

        records = [cell.record for cell in self.cells]
        newest = max(record.created for record in records)[:10]
        datasets = sorted({record.dataset for record in records})
        said = [
            f"{count(len(self.methods), 'method')} on {', '.join(datasets)}",
            count(len(records), "cell"),
            *([f"chosen by {' '.join(self._filter)}"] if self._filter else []),
            *([f"{count(len(self.unread), 'record')} left out, see Failures"] if self.unread else []),
            f"newest record of {newest}",
            f"symmbench {version('symmbench')}",
        ]
        return Head("Benchmark report", said, self.legend)


def headlines(table: Table) -> list[str]:
    """The metrics by which a table is summed up: those that are drawn; without any, the first that is compared."""
    compared = [name for name in table.metrics if (m := metrics.known(name)) is not None and m.compared]
    return [name for name in compared if metrics.metric(name).headline] or compared[:1]


def columns(table: Table) -> list[tuple[str, str]]:
    """Its metrics, each with `higher` or `lower`: which is better."""
    first = {name: figure.better for row in reversed(table.rows) for name, figure in row.metrics.items()}
    return [(name, first[name]) for name in table.metrics]


def anchor(place: int) -> str:
    """Of the table at a place among all."""
    return f"table-{place + 1}"


def count(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
