"""What users name is text in every format: no tag, formula, command or escape code of theirs acts anywhere."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from symmbench.bench.records import CheckpointFacts, Figure

HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "=cmd|'/c calc'!A0": "=cmd|'/c calc'!A0",
    r"\input{/etc/passwd}": r"\input{/etc/passwd}",
    "\x1b[31mred\x1b[0m": r"\u001b[31mred\u001b[0m",
    "x [/b] [red]y": "x [/b] [red]y",
}
"""What users name, and how it is shown."""
CLASSES = list(HOSTILE)[:2]


@pytest.fixture
def store(results: Any) -> str:
    """A row a name, which is its recipe's, and why it lacks a metric; its task is of classes with these names."""
    for number, name in enumerate(HOSTILE):
        made = CheckpointFacts(name=name, sha256="", fingerprint=str(number), recipe=name, parameters=1)
        results.classifier("m", 20 * number, 1, checkpoint=made, absent={"ece": name})
    results.add(
        "m", "ss", results.confusion(0.8), protocol={"name": "q", "hash": "i", "rules": "harness"},
        metrics={"miou": Figure(value=0.5)}, details={"classes": CLASSES},
    )  # fmt: skip
    results.protocol("i", task="ss", classes=tuple(CLASSES), masks=True)
    return str(results.root)


class Page(HTMLParser):
    """The text of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_on_a_terminal(bench: Any, store: str) -> None:
    for columns in ("80", "200"):
        shown = bench("compare", store, "--per-class", COLUMNS=columns).stdout
        assert "\x1b" not in shown and all(f"m ({name})" in shown for name in HOSTILE.values())
        assert max(map(len, shown.splitlines())) <= int(columns)
    lines = [line.strip() for line in shown.splitlines()]
    assert all(any(line.startswith(name) for line in lines) for name in CLASSES)  # a row a class
    assert "\x1b" not in bench("list", "runs", "--out", store).stdout


def test_in_markdown_by_github_s_rules(bench: Any, store: str) -> None:
    text = (
        bench("report", store, "--format", "md").stdout
        + bench("compare", store, "--per-class", "--format", "md").stdout
    )
    gfm = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    page = Page(gfm.render(text))
    assert page.tags <= {"h3", "p", "br", "strong", "ins", "table", "thead", "tbody", "tr", "th", "td", "blockquote"}
    assert all(page.text.count(f"m ({name})") >= 2 for name in HOSTILE.values()) and "\x1b" not in text


def test_in_latex_which_compiles(bench: Any, store: str, tmp_path: Path) -> None:
    assert bench("report", store, "-o", "t.tex").returncode == 0
    text = (tmp_path / "t.tex").read_text()
    assert "\x1b" not in text and r"\input" not in text and r"m (\textbackslash{}input\{/etc/passwd\})" in text
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    call = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode == 0 and "root:x:" not in done.stdout, done.stdout[-2000:]


def test_in_csv_json_and_parquet(bench: Any, store: str, tmp_path: Path) -> None:
    for form in ("csv", "json", "parquet"):
        assert bench("report", store, "-o", f"r.{form}").returncode == 0
    text = (tmp_path / "r.csv").read_text()
    table = pd.read_csv(io.StringIO(text), dtype="string")
    assert "\x1b" not in text and not any(table[c].str.match(r"^[=+\-@]").any() for c in ("recipe", "method", "absent"))
    assert set(HOSTILE.values()) <= set(table["recipe"].str.removeprefix("'"))
    raw = (tmp_path / "r.json").read_bytes()
    assert b"\x1b" not in raw and set(HOSTILE) <= {row["recipe"] for row in json.loads(raw)["rows"]}
    assert set(HOSTILE) <= set(pd.read_parquet(tmp_path / "r.parquet")["recipe"])
    said = bench("compare", store, "--json").stdout
    rows = [row["recipe"] for table in json.loads(said)["tables"] for row in table["rows"]]
    assert "\x1b" not in said and set(HOSTILE) <= set(rows)
