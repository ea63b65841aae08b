"""Tables in LaTeX: what they hold, that text stays text, and that TeX takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symmbench.reports.block import Block
from symmbench.reports.latex import FLOATS, escaped, to_latex

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
    assert text in to_latex([BLOCK, BLOCK])


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
