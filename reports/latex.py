"""Blocks as LaTeX tables, with booktabs: none leaves its page, a wide one is smaller or in parts, long ones go on."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..symmflow.names import printable
from .block import Block, Mark, figure, figures
from .narrow import telling

PREAMBLE = r"""\documentclass{article}
\usepackage{%s}
\setlength\textwidth{7in}\setlength\oddsidemargin{-0.25in}\setlength\evensidemargin{-0.25in}
\begin{document}
"""
END = "\\end{document}\n"
MARKED: dict[Mark, str] = {"best": r"\textbf{%s}", "second": r"\underline{%s}"}
FLOATS = 10
"""Tables that wait for a page: LaTeX keeps few."""
ROWS, LINES = 40, 48
"""Lines of a table that goes on over pages if it has more, and of one with its notes: longer ones follow it."""
WIDTH, NAME = 500, 200
"""Points of the widest table, and of a column of text that is broken."""
NOTE = 120
"""Characters of a line of notes."""
LONGEST_HEAD = 12
"""Characters of a head of figures; a longer one stands in two lines."""


@dataclass(frozen=True)
class _Layout:
    """Sizes of type, of texts and of intervals, each with the points of a digit; between columns twice `blank`."""

    text: str
    digit: float
    interval: str
    interval_digit: float
    blank: int
    breaks: bool = False
    """Whether a long text stands in several lines."""


LAYOUTS = (
    _Layout("footnotesize", 4.25, "scriptsize", 3.98, 4),
    _Layout("scriptsize", 3.98, "tiny", 3.4, 3),
    _Layout("scriptsize", 3.98, "tiny", 3.4, 3, breaks=True),
)
"""A table has the first in which it is no wider than its page."""
NARROW, WIDE = frozenset(" .,:;!|()[]'ijlft-"), frozenset("mwM@%#&+=<>~")

_MEANT = {
    **{c: f"\\{c}" for c in "{}$&#_%"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": "{`}"},
    **{"–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}"},
    **{"↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\to$", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$"},
    **{"≤": r"$\le$", "≥": r"$\ge$", "−": "$-$", "²": "$^2$", "°": r"$^\circ$", "µ": r"$\mu$", "\xa0": "~"},
    **{"ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}"},
    **{"ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "¿": "?`", "¡": "!`", "§": r"\S{}"},
}
"""What stands for a character where it is meant as text."""
LIGATURES = "-,'\""
"""What becomes another character where it stands twice."""
_COMBINING = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"
_ACCENTS = dict(zip(_COMBINING, "`'^~=u.\"rHvc", strict=True))
"""LaTeX's accents of the combining ones; all are in every text font."""


def to_latex(blocks: Sequence[Block], *, fragment: bool = False) -> str:
    """A document of the tables, which compiles as it is; `fragment`: the tables alone, for `\\input`.

    They need `\\usepackage{booktabs}`, and longtable where one goes on over pages, whatever characters the texts hold.
    """
    tables = [
        _table(part, f"{number}-{i}" if i > 1 else f"{number}")
        for number, block in enumerate(blocks, 1)
        for i, part in enumerate(_parts(block), 1)
    ]
    over_pages = any(r"\begin{longtable}" in table for table in tables)
    packages = "booktabs,longtable" if over_pages else "booktabs"
    if fragment:
        column = " and one column" if over_pages else ""
        return f"% For a document with \\usepackage{{{packages}}}{column}, {WIDTH}pt wide.\n" + "\n".join(tables)
    pages = ["\n".join(tables[first : first + FLOATS]) for first in range(0, len(tables), FLOATS)]
    return PREAMBLE % packages + "\\clearpage\n".join(pages) + END


def escaped(text: str) -> str:
    """A text for one line of LaTeX, shown there as it is; a character that its fonts lack as its number: U+4E2D."""
    line = unicodedata.normalize("NFC", printable(" ".join(text.splitlines()))).replace("\t", " ")
    apart = ("{}" if c == after and c in LIGATURES else "" for c, after in zip(line, f"{line[1:]} ", strict=True))
    return "".join(_character(c) + between for c, between in zip(line, apart, strict=False))


def _character(c: str) -> str:
    if c in _MEANT:
        return _MEANT[c]
    if c.isascii():
        return c
    base, *accents = tuple(unicodedata.normalize("NFD", c))
    if len(accents) == 1 and accents[0] in _ACCENTS and base.isascii():
        return f"\\{_ACCENTS[accents[0]]}{{{base}}}"
    return f"U+{ord(c):04X}"


def _parts(block: Block) -> Iterator[Block]:
    """A table too wide in any layout as several, each with what tells its rows apart; notes are by the last."""
    everything, last = range(len(block.headers)), LAYOUTS[-1]
    if not block.rows or _width(block, everything, last) <= WIDTH:
        yield block
        return
    groups = figures(block.headers)
    others = [i for i in everything if not any(i in columns for columns in groups)]
    names = telling(block.rows, min((columns[0] for columns in groups), default=len(everything)))
    found, part = list[list[int]](), list(names)
    for columns in [*([i] for i in others if i not in names), *groups]:
        if len(part) > len(names) and _width(block, [*part, *columns], last) > WIDTH:
            found.append(sorted(part))
            part = list(names)
        part += columns
    found.append(sorted(part))
    for number, columns in enumerate(found, 1):
        yield replace(
            block,
            heading=f"{block.heading} ({number} of {len(found)})" if len(found) > 1 else block.heading,
            headers=[block.headers[i] for i in columns],
            rows=[[row[i] for i in columns] for row in block.rows],
            notes=block.notes if number == len(found) else (),
            left=[columns.index(i) for i in block.left if i in columns],
            marks={(row, columns.index(i)): mark for (row, i), mark in block.marks.items() if i in columns},
        )


def _width(block: Block, columns: Sequence[int], layout: _Layout) -> float:
    """What some columns take side by side, in points."""
    return sum(_column(block, i, layout) for i in columns) + 2 * layout.blank * (len(columns) - 1)


def _column(block: Block, column: int, layout: _Layout) -> float:
    cells = [row[column] for row in block.rows]
    if column in block.left:
        width = max(layout.digit * _digits(cell) for cell in [block.headers[column], *cells])
        return min(width, NAME) if layout.breaks else width
    head = max(layout.digit * _digits(half) for half in _halves(block.headers[column]))
    return max([head, *(_figure_width(cell, (i, column) in block.marks, layout) for i, cell in enumerate(cells))])


def _figure_width(cell: str, marked: bool, layout: _Layout) -> float:
    value, interval = figure(cell)
    width = layout.digit * _digits(value) * (1.15 if marked else 1)
    return width + (layout.digit * _digits(" ") + layout.interval_digit * _digits(interval) if interval else 0)


def _digits(text: str) -> float:
    """How wide a text is in LaTeX's fonts, rather too wide, in digits."""
    shown = unicodedata.normalize("NFC", printable(text))
    return sum(_in_digits(c) for c in shown)


def _in_digits(c: str) -> float:
    if c.isdigit():
        return 1
    if c in NARROW:
        return 0.8
    if c in WIDE or c.isupper():
        return 2.1 if c == "W" else 1.85
    if c.isascii() or not (shown := _character(c)).startswith("U+"):
        return 1.1 if c.isascii() or c.isalpha() else 1.6
    return 1.25 * len(shown)


def _table(block: Block, number: str) -> str:
    """Over pages if it is long."""
    everything = range(len(block.headers))
    layout = next((found for found in LAYOUTS if _width(block, everything, found) <= WIDTH), LAYOUTS[-1])
    broken = [i for i in block.left if layout.breaks and _column(block, i, layout) >= NAME]
    side = {i: f"p{{{NAME}pt}}" if i in broken else "l" for i in block.left}
    sides = "".join(side.get(i, "r") for i in everything)
    heads = [escaped(h) if i in block.left else _head(h) for i, h in enumerate(block.headers)]
    rows = [_row(block, i, layout, broken) for i in range(len(block.rows))]
    warning = [rf"\textbf{{{escaped(block.warning)}.}}\par"] if block.warning else []
    notes = [rf"{escaped(note)}\par" for note in block.notes]
    size = rf"\{layout.text}\setlength\tabcolsep{{{layout.blank}pt}}"
    caption, label = rf"\caption{{{escaped(block.heading)}}}", rf"\label{{tab:{number}-{_label(block.heading)}}}"
    head = [r"\toprule", _line(heads), r"\midrule"]
    high = sum(max([1, *(_lines(row[i], layout) for i in broken)]) for row in block.rows)
    if high > ROWS:
        begin = rf"\begingroup{size}\setlength\LTcapwidth{{\linewidth}}"
        repeated = [*head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot"]
        table = [rf"\begin{{longtable}}{{@{{}}{sides}@{{}}}}", rf"{caption}{label}\\", *repeated, *rows]
        lines = [begin, *table, r"\end{longtable}", r"\endgroup", *_after([*warning, *notes])]
        return "\n".join(lines) + "\n"
    follow = high + sum(math.ceil(len(note) / NOTE) for note in block.notes) > LINES
    lines = [
        r"\begin{table}[htbp]",
        rf"\centering{size}",
        caption,
        label,
        rf"\begin{{tabular}}{{@{{}}{sides}@{{}}}}",
        *head,
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        *_small(warning if follow else [*warning, *notes]),
        r"\end{table}",
        *_after(notes if follow else []),
    ]
    return "\n".join(lines) + "\n"


def _row(block: Block, number: int, layout: _Layout, broken: Sequence[int]) -> str:
    cells = []
    for i, cell in enumerate(block.rows[number]):
        if i in block.left:
            cells.append(_broken(cell) if i in broken else escaped(cell))
        else:
            cells.append(_figure(cell, block.marks.get((number, i)), layout))
    return _line(cells)


def _lines(text: str, layout: _Layout) -> int:
    """Of a text that is broken."""
    return math.ceil(layout.digit * _digits(text) / NAME)


def _broken(text: str) -> str:
    """A text that may be broken at blanks, behind what parts a name, and else where a line of it would be too long."""
    pieces = re.findall(r"[^_/:.=-]{1,20}[_/:.=-]{0,9}|[_/:.=-]{1,9}", " ".join(text.splitlines()))
    shown = r"\hspace{0pt}".join(map(escaped, pieces))
    return rf"{{\raggedright {shown}\par}}"


def _line(cells: Sequence[str]) -> str:
    """A row. It begins with a group: a bracket or a star there would be an argument of the row before."""
    return "{}" + " & ".join(cells) + r" \\"


def _head(text: str) -> str:
    halves = [escaped(half) for half in _halves(text)]
    if len(halves) == 1:
        return halves[0]
    return rf"\begin{{tabular}}[b]{{@{{}}r@{{}}}}{halves[0]}\\{{}}{halves[1]}\end{{tabular}}"


def _halves(text: str) -> list[str]:
    """A long head in two lines, broken where a word of it ends."""
    if len(text) <= LONGEST_HEAD:
        return [text]
    ends = [m.end() for m in re.finditer(r"[_ /-]|(?=\[)", text[:-1]) if m.end() < len(text.rstrip("↑↓ "))]
    if not ends:
        return [text]
    middle = min(ends, key=lambda end: abs(end - len(text) / 2))
    return [text[:middle].rstrip(), text[middle:]]


def _figure(cell: str, mark: Mark | None, layout: _Layout) -> str:
    value, interval = figure(cell)
    shown = f"$-${escaped(value[1:])}" if value.startswith("-") else escaped(value)
    if mark is not None:
        shown = MARKED[mark] % shown
    return rf"{shown} {{\{layout.interval} {escaped(interval)}}}" if interval else shown


def _small(lines: Sequence[str]) -> list[str]:
    """Below a table, as wide as the text."""
    if not lines:
        return []
    return [r"\par\smallskip", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", *lines, r"\end{minipage}"]


def _after(lines: Sequence[str]) -> list[str]:
    """Behind a table, where they may go on over pages."""
    return [r"\begingroup\scriptsize\raggedright\noindent", *lines, r"\endgroup"] if lines else []


def _label(heading: str) -> str:
    """Letters, digits and hyphens of its first words."""
    return re.sub(r"[^A-Za-z0-9]+", "-", heading.partition(":")[0]).strip("-").lower()
