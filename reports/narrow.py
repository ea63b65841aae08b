"""Tables on terminals that are narrower than they are: in parts, or turned; no figure, name or path is broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table
    from rich.text import Text

BETWEEN, TIGHT = 3, 2
"""Blanks between two columns, where a table has room and where it has not."""


@dataclass(frozen=True)
class Narrow:
    """A table that is printed in parts where the terminal is too narrow; each begins with what tells its rows apart.

    What is no figure is said once, above, if it is the same in every row; else it is in the first part, such as costs.
    """

    headers: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    left: Sequence[int] = (0,)
    """Columns of text, which is broken at blanks; the others are figures, which are not, and stand right."""
    figures: Sequence[Sequence[int]] = ()
    """Columns of figures, those together that must stay side by side; before the first is which row it is."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        everything, width = range(len(self.headers)), options.max_width
        if self._fits(everything, width, BETWEEN):
            yield self._table(everything, width, BETWEEN)
            return
        figures = {column for columns in self.figures for column in columns}
        names = telling([[cell.plain for cell in row] for row in self.rows], min(figures, default=len(everything)))
        others = [column for column in everything if column not in names and column not in figures]
        said = (
            [] if self._fits(everything, width, TIGHT) else [column for column in others if self._is_constant(column)]
        )
        if said:
            yield Text("; ".join(f"{self.headers[column].plain}: {self.rows[0][column].plain}" for column in said))
        for columns in self._parts(names, [column for column in others if column not in said], width):
            yield ""
            yield self._table(columns, width, TIGHT if self._fits(columns, width, TIGHT) else 0)
        yield ""

    def _parts(self, names: Sequence[int], others: Sequence[int], width: int) -> Iterator[list[int]]:
        part = list(names)
        for columns in [*([column] for column in others), *self.figures]:
            if not self._fits([*part, *columns], width, TIGHT) and set(part) > set(names):
                yield sorted(part)
                part = list(names)
            part += columns
        yield sorted(part)

    def _is_constant(self, column: int) -> bool:
        return len(self.rows) > 1 and len({row[column].plain for row in self.rows}) == 1

    def _fits(self, columns: Sequence[int], width: int, between: int) -> bool:
        return sum(between + self._width(column) for column in columns) - between <= width - 2 * (between == BETWEEN)

    def _width(self, column: int) -> int:
        """What it takes unbroken."""
        return max(longest(text, column in self.left) for text in self._column(column))

    def _column(self, column: int) -> list[Text]:
        return [self.headers[column], *(row[column] for row in self.rows)]

    def _widths(self, columns: Sequence[int], width: int, between: int) -> list[int]:
        """What each takes unbroken, and of what is left as much as it has use for, the widest first."""
        found = [self._width(column) for column in columns]
        whole = [max(text.cell_len for text in self._column(column)) for column in columns]
        left = width - 2 * (between == BETWEEN) - sum(found) - between * (len(columns) - 1)
        for _ in range(left):
            lacking = [most - now for most, now in zip(whole, found, strict=True)]
            if max(lacking) <= 0:
                break
            found[lacking.index(max(lacking))] += 1
        return found

    def _table(self, columns: Sequence[int], width: int, between: int) -> Table:
        """`between`: 0 where not even the words have room."""
        from rich import box
        from rich.table import Table

        roomy = between == BETWEEN
        shown = Table(
            box=box.SIMPLE_HEAD,
            show_header=any(self.headers[column].plain for column in columns),
            show_edge=roomy,
            pad_edge=False,
            padding=(0, 1) if roomy else (0, 1, 0, 0),
        )
        widths = self._widths(columns, width, between) if between else [None] * len(columns)
        for column, wide in zip(columns, widths, strict=True):
            is_text = column in self.left
            shown.add_column(
                self.headers[column],
                justify="left" if is_text else "right",
                overflow="fold",
                no_wrap=bool(between) and not is_text,
                width=wide,
            )
        for row in self.rows:
            shown.add_row(*[row[column] for column in columns])
        return shown


def telling(rows: Sequence[Sequence[str]], names: int) -> list[int]:
    """The first column, and those of the first `names` without which rows would look alike."""
    found, known = [0], len({row[0] for row in rows})
    for column in range(1, names):
        if (told := len({tuple(row[i] for i in [*found, column]) for row in rows})) > known:
            found, known = [*found, column], told
    return found


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
