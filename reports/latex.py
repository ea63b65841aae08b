"""Blocks as LaTeX tables, with booktabs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..symmflow.names import printable
from .block import Block, Mark, figure

PREAMBLE = r"""\documentclass{article}
\usepackage{booktabs}
\setlength\textwidth{7in}\setlength\oddsidemargin{-0.25in}\setlength\evensidemargin{-0.25in}
\begin{document}
"""
END = "\\end{document}\n"
MARKED: dict[Mark, str] = {"best": r"\textbf{%s}", "second": r"\underline{%s}"}
FLOATS = 10
"""Tables that wait for a page: LaTeX keeps few."""
LONG = 5000
"""Characters of notes that do not fit below their table, on its page: they follow it."""
LONGEST_HEAD = 12
"""Characters of a head of figures; a longer one stands in two lines."""

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
    """A document of one `table` a block, which compiles as it is; `fragment`: the tables alone, for `\\input`.

    They need `\\usepackage{booktabs}` and nothing else, whatever characters the texts hold.
    """
    tables = [_table(block, number) for number, block in enumerate(blocks, 1)]
    if fragment:
        return "\n".join(tables)
    pages = ["\n".join(tables[first : first + FLOATS]) for first in range(0, len(tables), FLOATS)]
    return PREAMBLE + "\\clearpage\n".join(pages) + END


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


def _table(block: Block, number: int) -> str:
    sides = "".join("l" if i in block.left else "r" for i in range(len(block.headers)))
    heads = [escaped(h) if i in block.left else _head(h) for i, h in enumerate(block.headers)]
    rows = [
        [escaped(c) if j in block.left else _figure(c, block.marks.get((i, j))) for j, c in enumerate(row)]
        for i, row in enumerate(block.rows)
    ]
    warning = [rf"\textbf{{{escaped(block.warning)}.}}\par"] if block.warning else []
    notes = [rf"{escaped(note)}\par" for note in block.notes]
    long = sum(map(len, notes)) > LONG
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\footnotesize\setlength\tabcolsep{4pt}",
        rf"\caption{{{escaped(block.heading)}}}",
        rf"\label{{tab:{number}-{_label(block.heading)}}}",
        rf"\begin{{tabular}}{{@{{}}{sides}@{{}}}}",
        r"\toprule",
        _line(heads),
        r"\midrule",
        *map(_line, rows),
        r"\bottomrule",
        r"\end{tabular}",
        *_small(warning if long else [*warning, *notes]),
        r"\end{table}",
        *([r"\begingroup\scriptsize\raggedright\noindent", *notes, r"\endgroup"] if long else []),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    """A row. It begins with a group: a bracket or a star there would be an argument of the row before."""
    return "{}" + " & ".join(cells) + r" \\"


def _head(text: str) -> str:
    """A long one in two lines, broken where a word of it ends."""
    if len(text) <= LONGEST_HEAD:
        return escaped(text)
    ends = [m.end() for m in re.finditer(r"[_ /-]|(?=\[)", text[:-1]) if m.end() < len(text.rstrip("↑↓ "))]
    if not ends:
        return escaped(text)
    middle = min(ends, key=lambda end: abs(end - len(text) / 2))
    upper, lower = escaped(text[:middle].rstrip()), escaped(text[middle:])
    return rf"\begin{{tabular}}[b]{{@{{}}r@{{}}}}{upper}\\{{}}{lower}\end{{tabular}}"


def _figure(cell: str, mark: Mark | None) -> str:
    value, interval = figure(cell)
    shown = f"$-${escaped(value[1:])}" if value.startswith("-") else escaped(value)
    if mark is not None:
        shown = MARKED[mark] % shown
    return rf"{shown} {{\scriptsize {escaped(interval)}}}" if interval else shown


def _small(lines: Sequence[str]) -> list[str]:
    """Below a table, as wide as the text."""
    if not lines:
        return []
    return [r"\par\smallskip", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", *lines, r"\end{minipage}"]


def _label(heading: str) -> str:
    """Letters, digits and hyphens of its first words."""
    return re.sub(r"[^A-Za-z0-9]+", "-", heading.partition(":")[0]).strip("-").lower()
