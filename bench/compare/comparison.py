"""Stores side by side: tables, and whatever else is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from ...reports.block import Block, to_html
from ...reports.curves import Form
from ...symmflow.errors import InputError
from ..records import Record, read_stored
from . import claims, classes, fronts, selftest, tables, verdicts
from . import published as papers
from . import spread as chance
from .choice import Filter, check_protocols, choose
from .columns import chosen
from .floors import read_floors
from .tables import Table


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a reader sees, and the tables behind it. A notebook shows it."""

    tables: Sequence[Table]
    blocks: Sequence[Block]
    replaced: Sequence[Record]
    """Older records of cells that were measured again, with other figures."""

    def curves(self, form: Form = "png") -> bytes:
        """A picture of the headline figures over steps."""
        from ...reports.curves import draw
        from .curves import panels

        return draw(panels(self.tables), form)

    def __repr__(self) -> str:
        rows = sum(len(table.rows) for table in self.tables)
        return f"<{rows} rows in {len(self.tables)} tables: {', '.join(table.title for table in self.tables)}>"

    def _repr_html_(self) -> str:
        return to_html(self.blocks)


def compare(
    folders: Sequence[Path],
    wanted: Filter,
    *,
    mixed: bool = False,
    by_seed: bool = False,
    sort: str | None = None,
    columns: Sequence[str] = (),
    baseline: str | None = None,
    pareto: str | None = None,
    within: float | None = None,
    per_class: bool = False,
    spread: str | None = None,
    published: bool = False,
    itself: bool = False,
    floors: Path | None = None,
) -> Comparison:
    """The wanted cells of some stores: one table a protocol, and a block for everything else that is asked."""
    if within is not None and (pareto is None or not 0 <= within < inf):
        raise InputError("--within takes zero or more, and goes with --pareto.")
    limits = read_floors(floors)
    replaced: list[Record] = []
    cells = choose(read_stored(folders, replaced), wanted)
    if not mixed:
        check_protocols(cells)
    found = tables.tables(cells, mixed=mixed, by_seed=by_seed)
    if sort:
        tables.sort(found, sort)
    blocks = [tables.block(table) for table in found]
    if columns:
        blocks = chosen(blocks, columns)
    if per_class:
        blocks += classes.blocks(found)
    if pareto is not None:
        blocks += [fronts.block(fronts.front(t, pareto, limits, within)) for t in _having(pareto, found)]
    if spread is not None:
        blocks += [chance.block(chance.sources(t, spread)) for t in _having(spread, found)]
    if baseline:
        blocks += [verdicts.block(judged) for judged in verdicts.judge(found, baseline, limits)]
    if published:
        blocks += [papers.block(table) for table in found]
    if itself:
        blocks += [selftest.block(one) for one in selftest.against_itself(found)]
    if findings := claims.findings(cells):
        blocks.append(claims.block(findings))
    return Comparison(found, blocks, replaced)


def _having(metric: str, found: Sequence[Table]) -> Sequence[Table]:
    """The tables that have a metric; all where none has, so that the first says what there is."""
    return [table for table in found if metric in table.metrics] or found
