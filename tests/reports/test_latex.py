"""Tables in LaTeX: what they hold, that text stays text, and that TeX takes them."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symmbench.reports.block import Block, Mark
from symmbench.reports.latex import FLOATS, LAYOUTS, _digits, escaped, to_latex

HOSTILE = (
    r"\input{/etc/passwd}",
    r"a_b & 50 % of $x$ #1 {y} ~z ^w \\ [2pt]",
    "[3cm] begins like an argument",
    "* begins like one, too",
    "\x1b[31mred\x1b[0m and ]]\x07 <script>alert(1)</script>",
    "--flag ,, '' \"\" ?` !` ``",
    "naïve Žižek Łódź Ångström ﬁ 中文 ↑ β 😀 e\u0301\u0323",
    "two\nlines\\",
)
BLOCK = Block(
    "tables",
    "digits/cls@1: 100 %",
    ["method", "steps", "accuracy ↑", "alignment_miou_real ↑"],
    [["a", "1", "97.3 [95.1, 98.5]", "-1.5"], ["b", "–", "90.0", "2.0 [1.0, 3.0]"], ["c", "5", "80.0", "1.0"]],
    [],
    ["Said."],
    "Mind!",
    marks={(0, 2): "best", (1, 2): "second"},
)


def test_a_table_has_rules_marks_and_intervals() -> None:
    text = to_latex([BLOCK])
    assert [re.search(rf"\\{rule}", text) is not None for rule in ("toprule", "midrule", "bottomrule")] == [True] * 3
    assert "\\hline" not in text and "|" not in text and re.findall(r"usepackage\{(\w+)\}", text) == ["booktabs"]
    assert r"\textbf{97.3} {\scriptsize [95.1, 98.5]}" in text and r"\underline{90.0} &" in text
    assert "$-$1.5" in text and "-- &" in text and r"\textbf{Mind!.}" in text and "Said." in text
    assert r"\caption{digits/cls@1: 100 \%}" in text and r"\label{tab:1-digits-cls-1}" in text
    assert text.count(r" \\" + "\n") == 4  # a head and three rows


def test_a_fragment_is_the_tables_alone() -> None:
    text = to_latex([BLOCK, BLOCK], fragment=True)
    assert text.count(r"\begin{table}") == 2 and "documentclass" not in text and r"\end{document}" not in text
    needs, _, tables = text.partition("\n")
    assert needs == r"% For a document with \usepackage{booktabs}, 500pt wide." and tables in to_latex([BLOCK, BLOCK])


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_acts(text: str) -> None:
    """All that is left of TeX's own are the commands that stand for characters, ended by braces, and mathematics."""
    shown = escaped(text)
    assert shown.isascii() and not re.search(r"[\x00-\x1f\x7f]", shown)
    left = re.sub(r"\$(\^2|\^\\circ|\\[a-z]+)\$", "", shown)  # one character in mathematics
    left = re.sub(r"\\(text[a-z]+|ldots|ss|o|O|ae|AE|oe|OE|l|L|i|S)\{\}", "", left)
    left = re.sub(r"\\[`'^~=u.\"rHvc]\{[A-Za-z]\}|\{`\}|(?<=[-,'\"])\{\}", "", left)
    assert not re.search(r"(?<!\\)[\\{}$&#_%^~](?![{}$&#_%])|(?<!\\)[{}$&#_%^~<>|]", left), left


def test_known_characters_are_written_in_ascii() -> None:
    assert escaped("50 % of a_b {c}") == r"50 \% of a\_b \{c\}"
    assert escaped("Žižek 中 \\x") == r"\v{Z}i\v{z}ek U+4E2D \textbackslash{}x"
    assert escaped("a--b ,,x,, \x1b") == r"a-{}-b ,{},x,{}, \textbackslash{}u001b"


def _pdf(folder: Path, text: str) -> str:
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    (folder / "t.tex").write_text(text)
    call = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def _large(rows: int, columns: int, name: str = "a-method", notes: int = 1) -> Block:
    """Of figures with intervals."""
    heads = ["method", "params", "steps", *(f"alignment_miou_{i} ↑" for i in range(columns))]
    cells = [[f"{name}{i}", "0.71M", f"{i}", *["97.3 [95.1, 98.5]"] * columns] for i in range(rows)]
    marks: dict[tuple[int, int], Mark] = {(i, 3 + i % columns): "best" for i in range(0, rows, 3)}
    return Block("tables", f"digits/cls@1: {rows}", heads, cells, [], ["Said and measured. " * 12] * notes, marks=marks)


SHAPES = {
    "long": _large(60, 2),
    "wide": _large(8, 6),
    "wider": _large(8, 7),
    "in parts": _large(45, 14),
    "full": _large(40, 3, notes=20),
    "names": _large(14, 2, "an-owner/a-very-long-name-of-a-repository-of-" * 3),
    "one word": _large(14, 2, "W" * 100),
}


def test_a_long_table_repeats_its_head_and_has_its_notes_behind() -> None:
    text = to_latex([BLOCK, SHAPES["long"]], fragment=True)
    assert text.startswith(r"% For a document with \usepackage{booktabs,longtable} and one column, 500pt wide.")
    assert text.count(r"\begin{longtable}") == 1 and text.count(r"\begin{table}") == 1
    head, rows = text.partition(r"\begin{longtable}")[2].split(r"\endfoot")
    assert head.count("{}method & params & steps") == 2 and rows.count("a-method") == 60
    assert rows.index(r"\end{longtable}") < rows.index("Said and measured.")
    assert re.findall(r"usepackage\{(.*)\}", to_latex([SHAPES["long"]])) == ["booktabs,longtable"]


def test_a_wide_table_is_smaller_or_in_parts_with_every_figure_once() -> None:
    assert r"\centering\footnotesize" in to_latex([_large(8, 3)]) and r"\centering\scriptsize" in to_latex(
        [SHAPES["wide"]]
    )
    parts = to_latex([SHAPES["in parts"]]).split(r"\caption")[1:]
    assert len(parts) == 3 and [f"({i} of 3)" in part for i, part in enumerate(parts, 1)] == [True] * 3
    assert len(set(re.findall(r"\\label\{(.*?)\}", "".join(parts)))) == 3
    assert sum(part.count("97.3") for part in parts) == 45 * 14 and all(part.count("a-method") == 45 for part in parts)
    assert sum(part.count(r"\textbf{97.3}") for part in parts) == 15
    assert ["Said" in part for part in parts] == [False, False, True]
    assert [part.count("params") for part in parts] == [2, 0, 0]


def test_every_table_is_on_its_page(tmp_path: Path) -> None:
    said = _pdf(tmp_path, to_latex([BLOCK, *SHAPES.values()]))
    assert "Output written on t.pdf" in said and not re.search(r"Overfull|Float too large", said), said


def test_estimated_widths_are_not_below_tex_s(tmp_path: Path) -> None:
    """Of every printable character of ASCII, in the sizes of type in use."""
    texts = [chr(c) * 40 for c in range(33, 127)] + ["fm@5 (digits/symmflow[unperturbed]), W. MULTIPLE m_w"]
    sizes = {layout.text: layout.digit for layout in LAYOUTS} | {
        layout.interval: layout.interval_digit for layout in LAYOUTS
    }
    asked = itertools.product(sizes, texts)
    boxes = [rf"\setbox0\hbox{{\{size} {escaped(text)}}}\typeout{{=\the\wd0}}" for size, text in asked]
    said = _pdf(tmp_path, "\\documentclass{article}\\begin{document}\n" + "\n".join(boxes) + "\nx\\end{document}\n")
    found = [float(width) for width in re.findall(r"^=([\d.]+)pt$", said, re.M)]
    taken = [digit * _digits(text) for digit, text in itertools.product(sizes.values(), texts)]
    assert len(found) == len(taken)
    assert not [(a, b) for a, b in zip(found, taken, strict=True) if a > 1.02 * b]


def test_tex_takes_every_text_everywhere(tmp_path: Path) -> None:
    rows = [[text, text, "97.3 [95.1, 98.5]"] for text in HOSTILE]
    blocks = [Block("tables", t, [t, t, f"{t}_a"], rows, [], [t], t, marks={(0, 2): "best"}) for t in HOSTILE]
    said = _pdf(tmp_path, to_latex(blocks * 3))
    assert len(blocks * 3) > FLOATS and "Output written on t.pdf" in said and "root:x:" not in said
    assert "/etc/passwd" not in re.sub(r"\s", "", said).partition("(/")[2]


def test_the_tables_stand_in_a_paper_that_loads_booktabs(tmp_path: Path) -> None:
    (tmp_path / "tables.tex").write_text(to_latex([BLOCK], fragment=True))
    paper = "\\documentclass[twocolumn]{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\\begin{document}"
    assert "Output written" in _pdf(tmp_path, paper + "\\input{tables}\\end{document}")


def test_a_long_table_stands_in_a_paper_that_loads_what_its_first_line_says(tmp_path: Path) -> None:
    text = to_latex([SHAPES["long"], SHAPES["wide"]], fragment=True)
    (tmp_path / "tables.tex").write_text(text)
    loads = re.findall(r"^% .*(\\usepackage\{[a-z,]+\})", text)[0]
    begins = rf"\documentclass{{article}}{loads}\setlength\textwidth{{500pt}}\begin{{document}}"
    paper = begins + r"Text.\input{tables}\end{document}"
    said = _pdf(tmp_path, paper)
    assert "Output written" in said and not re.search(r"Overfull|Float too large", said), said
