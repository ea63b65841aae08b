"""What a table does not say, and why: metrics, cells, methods, step counts."""

from __future__ import annotations

from collections.abc import Iterator

from .... import datasets, methods
from ....symmflow.errors import InputError
from ... import tasks
from ..tables import Table, absent_lines
from .gathered import Page


def unmeasured(page: Page, table: Table) -> list[str]:
    """A sentence each, without its full stop."""
    lines = [line.rstrip(".") for line in absent_lines(table)]
    lines += [f"failed: {line}" for line in table.failed]
    return [*lines, *_methods(page, table), *_steps(table)]


def _methods(page: Page, table: Table) -> Iterator[str]:
    """Those of the report that have no cell here, by reason."""
    here = {cell.record.method for cell in page.cells if cell.record.protocol["hash"] == table.protocol}
    reasons: dict[str, list[str]] = {}
    for method in page.methods:
        if method not in here:
            reasons.setdefault(_why(method, table), []).append(method)
    yield from (f"{', '.join(named)}: {why}" for why, named in reasons.items())


def _why(method: str, table: Table, steps: int | None = None) -> str:
    try:
        card = datasets.card(table.dataset)
        support = tasks.task(table.task).supports(methods.method(method), steps, card)
    except InputError:  # the method, the data set or the task is not installed here
        return "not run"
    return "not run" if support else f"not supported, {support.reason}"


def _steps(table: Table) -> Iterator[str]:
    """Rows that lack step counts which others have, by reason."""
    every = {row.steps for row in table.rows if row.steps is not None}
    stepped = {row.name: row.method for row in table.rows if row.steps is not None}
    alike: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for name, method in stepped.items():
        reasons: dict[str, list[int]] = {}
        for steps in sorted(every - {row.steps for row in table.rows if row.name == name}):
            reasons.setdefault(_why(method, table, steps), []).append(steps)
        for why, lacking in reasons.items():
            alike.setdefault((why, tuple(lacking)), []).append(name)
    for (why, counts), names in alike.items():
        yield f"{', '.join(names)} at {', '.join(map(str, counts))} step{'s' if counts != (1,) else ''}: {why}"
