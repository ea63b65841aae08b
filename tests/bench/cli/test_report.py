"""`bench report`: every format of a small store, with names that nobody should trust."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from symmbench.bench import api
from symmbench.bench.records import Figure
from symmbench.bench.records.tidy import COLUMNS

EVIL = "=cmd()&c $x$ #1 {y} ~z^ 50%_a"
WHY = "\x1b[31mred\x1b[0m <script>alert(1)</script>\n\\input{/etc/passwd} | @SUM(A1)"
SAFE = r"\u001b[31mred\u001b[0m <script>alert(1)</script> \input{/etc/passwd} | @SUM(A1)"


@pytest.fixture
def store(results: Any, tmp_path: Path) -> Any:
    """Three methods at one step count, one of them with a hostile name; one that failed, one without a metric."""
    for method, right in (("good", 118), (EVIL, 60), ("third", 20)):
        results.classifier(method, right, 1, seed=0, absent={"ece": WHY})
    results.add("broken", "cls", results.predictions(1), status="failed", reason=f"Traceback\nError: {WHY[:12]}")
    return results


def read(text: str) -> pd.DataFrame:
    kinds = {"text": "string", "integer": "Int64", "number": "float64"}
    return pd.read_csv(io.StringIO(text), dtype={c.name: kinds[c.kind] for c in COLUMNS})


def test_csv_parquet_and_json_hold_what_load_gives(bench: Any, store: Any, tmp_path: Path) -> None:
    for name in ("r.csv", "r.parquet", "r.json"):
        done = bench("report", str(store.root), "-o", name)
        assert (done.returncode, done.stdout) == (0, f"{name}\n"), done.stderr
    frame = api.load(store.root)
    assert list(frame) == [c.name for c in COLUMNS] and len(frame) == 7
    assert not frame.duplicated(["key", "metric"]).any()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "r.parquet"), frame)
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    pd.testing.assert_frame_equal(pd.DataFrame(rows).astype(frame.dtypes), frame, check_exact=True)
    shown = read((tmp_path / "r.csv").read_text())
    texts = [c.name for c in COLUMNS if c.kind == "text"]
    pd.testing.assert_frame_equal(shown.drop(columns=texts), frame.drop(columns=texts), check_exact=True)
    assert set(shown["method"]) == {"good", f"'{EVIL}", "third", "broken"}
    assert set(shown["absent"].dropna()) == {SAFE} and "\x1b" not in (tmp_path / "r.csv").read_text()
    failed = frame[frame["status"] == "failed"].iloc[0]
    assert failed["failure"].startswith("Error: ") and pd.isna(failed["metric"])


def test_markdown_has_its_picture_beside_it(bench: Any, store: Any, tmp_path: Path) -> None:
    done = bench("report", str(store.root), "-o", "out/my report.md")
    assert done.stdout.splitlines() == ["out/my report.md", "out/my report-steps.png"], done.stderr
    text = (tmp_path / "out" / "my report.md").read_text()
    assert text.startswith("![Figures over inference steps](my%20report-steps.png)\n")
    assert Image.open(tmp_path / "out" / "my report-steps.png").format == "PNG"
    assert "**98.3**" in text and "<ins>50.0</ins>" in text and "<script" not in text and "\x1b" not in text
    plain = bench("report", str(store.root)).stdout
    assert plain.strip() == text.partition("\n\n")[2].strip()


def test_latex_marks_what_is_real_and_shows_intervals_on_request(bench: Any, store: Any, tmp_path: Path) -> None:
    assert bench("report", str(store.root), "-o", "t.tex").returncode == 0
    text = (tmp_path / "t.tex").read_text()
    assert text.startswith(r"\documentclass") and r"\textbf{98.3}" in text and r"\underline{50.0}" in text
    assert r"=cmd()\&c \$x\$ \#1 \{y\} \textasciitilde{}z\textasciicircum{} 50\%\_a" in text
    assert r"\input" not in text and r"\textbackslash{}input\{/etc/passwd\}" in text and "scriptsize [" not in text
    good = bench("report", str(store.root), "--format", "latex", "--fragment", "--method", "good").stdout
    assert (
        good.splitlines()[0].startswith("% ")
        and good.splitlines()[1] == r"\begin{table}[htbp]"
        and "textbf" not in good
    )


def test_intervals_stand_in_latex_where_they_are_known(bench: Any, results: Any) -> None:
    figure = Figure(value=0.9, low=0.85, high=0.95, covers="test images")
    results.add("a", "cls", results.predictions(108), metrics={"accuracy": figure})
    call = ("report", str(results.root), "--format", "latex")
    assert r"90.0 {\scriptsize [85.0, 95.0]}" in bench(*call, "--intervals").stdout
    assert "85.0" not in bench(*call).stdout


def test_protocols_have_a_table_each(bench: Any, store: Any) -> None:
    store.add("good", "cls", store.predictions(9), protocol={"name": "q", "hash": "i", "rules": "harness"},
              metrics={"accuracy": Figure(value=0.1)})  # fmt: skip
    text = bench("report", str(store.root), "--format", "latex").stdout
    assert re.findall(r"\\caption\{(\w)", text) == ["p", "q"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "r.docx"), "r.docx says no format by its ending; let it end in .md,"),
        (("--format", "docx"), "--format is one of md, html, latex, csv, parquet, json, not 'docx'."),
        (("--format", "parquet"), "Parquet is no text; give it a file with --out."),
        (("--sort", "accuracy", "-o", "r.csv"), "--by-seed and --sort are for tables; as csv a cell is a row a metric"),
        (("--intervals", "-o", "r.csv"), "--intervals and --fragment go with --format latex"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_any_work(bench: Any, tmp_path: Path, arguments: Any, said: str) -> None:
    """There is no store, and it is not looked for."""
    done = bench("report", "nowhere", *arguments)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml"), ("c.PDF", b"%PDF")])
def test_a_plot_is_what_its_ending_says(bench: Any, store: Any, tmp_path: Path, name: str, begins: bytes) -> None:
    assert bench("compare", str(store.root), "--plot", name).returncode == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_plot_of_another_ending_is_refused_before_any_work(bench: Any) -> None:
    done = bench("compare", "nowhere", "--plot", "steps.jpg")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: steps.jpg is no picture by its ending; let it end in .png, .svg or .pdf.\n"


def test_the_columns_are_listed_as_load_documents_them(bench: Any) -> None:
    rows = json.loads(bench("list", "columns", "--json").stdout)
    assert [row["column"] for row in rows] == [c.name for c in COLUMNS]
    assert all(f"{row['column']} ({row['kind']}): {row['what']}" in str(api.load.__doc__) for row in rows)
