"""Tables on terminals that are narrower than they are: in parts, or turned; no figure, name or path is broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table
    from rich.text import Text

BETWEEN = 3
"""Blanks between two columns, at most."""


@dataclass(frozen=True)
class Narrow:
    """A table that is printed in parts where the terminal is too narrow; each begins with what tells its rows apart."""

    headers: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    left: Sequence[int] = (0,)
    """Columns of text, which is broken at blanks; the others are figures, which are not, and stand right."""
    names: int = 1
    """Columns that say which row it is."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for columns in self._parts(options.max_width):
            yield self._table(columns, options.max_width)

    def _parts(self, width: int) -> Iterator[list[int]]:
        part: list[int] = []
        names = self._telling()
        for column in range(len(self.headers)):
            if column > max(names) and sum(map(self._width, [*part, column])) > width and set(part) > set(names):
                yield part
                part = list(names)
            part.append(column)
        yield part

    def _telling(self) -> list[int]:
        """The columns of names without which rows would look alike."""
        found, known = [0], len({row[0].plain for row in self.rows})
        for column in range(1, self.names):
            if (told := len({tuple(row[i].plain for i in [*found, column]) for row in self.rows})) > known:
                found, known = [*found, column], told
        return found

    def _width(self, column: int) -> int:
        """What it takes unbroken."""
        return BETWEEN + max(longest(text, column in self.left) for text in self._column(column))

    def _column(self, column: int) -> list[Text]:
        return [self.headers[column], *(row[column] for row in self.rows)]

    def _table(self, columns: Sequence[int], width: int) -> Table:
        from rich import box
        from rich.table import Table

        fits = sum(map(self._width, columns)) <= width
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            is_text = column in self.left
            side = "left" if is_text else "right"
            shown.add_column(
                self.headers[column],
                justify=side,  # type: ignore[arg-type]
                overflow="fold",
                no_wrap=fits and not is_text,
                min_width=self._width(column) - BETWEEN if fits else None,
            )
        for row in self.rows:
            shown.add_row(*[row[column] for column in columns])
        return shown


def longest(text: Text, breaks: bool) -> int:
    """Cells of its longest word if it `breaks` at blanks, else of its longest line."""
    from rich.cells import cell_len

    words = text.plain.split() if breaks else text.plain.splitlines()
    return max(map(cell_len, words), default=0)


def fits(headers: Sequence[Text], rows: Sequence[Sequence[Text]], width: int) -> bool:
    """Whether a table of texts has room without a broken word."""
    columns = [[header, *(row[i] for row in rows)] for i, header in enumerate(headers)]
    return sum(BETWEEN + max(longest(text, True) for text in column) for column in columns) <= width


def turned(headers: Sequence[Text], rows: Sequence[Sequence[Text]]) -> Iterator[Text]:
    """A table as lines, a block a row: its first column, then whatever the others hold."""
    from rich.text import Text

    side = max((len(header.plain) for header in headers[1:]), default=0)
    for row in rows:
        yield Text(row[0].plain, style="bold")
        for header, cell in zip(headers[1:], row[1:], strict=True):
            if cell.plain:
                yield Text.assemble("  ", header.plain.ljust(side), "  ", cell)
