"""The page says what the records say, in figures and in words."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from pages import classed, read, said

from symmbench.bench import api
from symmbench.bench.compare import text
from symmbench.bench.compare.tables import tables
from symmbench.bench.compare.verdicts import called, judge
from symmbench.bench.records import Cost, Figure, Record, read_stored
from symmbench.symmflow.errors import Note


def section(page: str, ident: str) -> Element:
    return next(e for e in read(page).iter("section") if e.get("id") == ident)


def records(store: Path) -> list[Record]:
    return [cell.record for cell in read_stored([store])]


def chart(page: str, ident: str) -> dict[str, Any]:
    figure = next(e for e in read(page).iter("figure") if e.get("id") == ident)
    found: dict[str, Any] = json.loads("".join(next(figure.iter("script")).itertext()))
    return found


def test_the_first_screen_answers_five_questions(store: Path, page: str) -> None:
    """Which method is best at a step count, is it real, at what cost, on how many images, what was not measured."""
    card = said(classed(section(page, "verdict"), "card")[0])
    found = {(r.method, r.steps): r for r in records(store) if r.task == "cls" and r.seed == 0}
    at = {
        k: max((r for (_, s), r in found.items() if s in (None, k)), key=lambda r: r.metrics["accuracy"].value)
        for k in (1, 5)
    }
    best = re.findall(r"At (\d+) steps? (.+?) (?:is best|leads) by accuracy, ([\d.]+) %", card)
    assert [(int(k), name) for k, name, _ in best] == [(k, r.method) for k, r in at.items()]
    assert float(best[1][2]) == pytest.approx(at[5].metrics["accuracy"].value * 100, abs=0.05)
    assert "is real: better, p < 0.0001" in card  # 117 of 120 against 97
    costs = re.findall(r"It costs (\d+) network evaluations? and ([\d.]+) s an image", card)
    assert [(float(nfe), float(s)) for nfe, s in costs] == [(r.nfe, 1 / r.cost.images_per_second) for r in at.values()]  # type: ignore[union-attr]
    assert f"On {at[5].n} images of the split test" in card and "top5 absent: 2 classes are too few" in card
    masks = said(classed(section(page, "verdict"), "card")[1])
    assert "failed: plain steps=25 seed=0: ValueError" in masks


def test_every_verdict_is_that_of_its_command(store: Path, page: str, bench: Any) -> None:
    statements = [li for li in section(page, "verdict").iter("li") if classed(li, "word")]
    assert len(statements) == 4
    for statement in statements:
        (word,) = classed(statement, "word")
        command = next("".join(e.itertext()) for e in statement.iter("code"))
        done = bench(*shlex.split(command)[1:], "--json")
        assert done.returncode == 0, done.stderr
        best, _ = (said(name) for name in classed(statement, "name"))
        steps = int(re.match(r"At (\d+)", said(statement))[1])  # type: ignore[index]
        metric = re.search(r"(?:best|leads) by (\w+)", said(statement))[1]  # type: ignore[index]
        verdicts = [
            v
            for v in json.loads(done.stdout)["verdicts"]
            if (v["method"], v["metric"]) == (best, metric) and v["steps"] in (None, steps)
        ]
        assert [v["word"] for v in verdicts] == [said(word)]
        gap = verdicts[0]["difference"]
        assert f"{gap['value'] * 100:+.2f} points [{gap['low'] * 100:+.2f}, {gap['high'] * 100:+.2f}]" in said(
            statement
        )


def test_the_leaderboard_has_the_records_figures(store: Path, page: str) -> None:
    boards = classed(section(page, "leaderboard"), "board")
    for board, table in zip(boards, tables(read_stored([store])), strict=True):
        heads = [said(th).partition(" ")[0] for th in next(board.iter("thead")).iter("th")]
        rows = list(next(board.iter("tbody")).iter("tr"))
        assert len(rows) == len(table.rows)
        for shown, row in zip(rows, table.rows, strict=True):
            cells = dict(zip(heads, shown, strict=True))
            assert shown.get("data-method") == row.method and said(cells["method"]) == row.name
            for name, figure in row.metrics.items():
                assert float(cells[name].get("data-sort", "")) == figure.value
                assert said(cells[name]) == text.figure(figure)
            assert cells["NFE"].get("data-sort") == str(row.nfe)


def test_the_best_is_bold_only_where_every_difference_is_real(page: str) -> None:
    first, second = classed(section(page, "leaderboard"), "board")
    for board in (first, second):
        marked = [tr for tr in next(board.iter("tbody")).iter("tr") if classed(tr, "best")]
        assert {said(next(tr.iter("th"))) for tr in marked} == {"slow & 'sure'"}
    assert "asked of accuracy, brier" in said(first)


def test_curves_have_the_records_figures_over_three_axes(store: Path, page: str) -> None:
    traces = chart(page, "curve-1")["traces"]
    slow = next(t for t in traces if t.get("name") == "slow &amp; 'sure'")
    own = sorted(
        (r for r in records(store) if (r.method, r.task) == ("slow & 'sure'", "cls")), key=lambda r: r.steps or 0
    )
    assert slow["y"] == [r.metrics["accuracy"].value * 100 for r in own]
    assert slow["meta"]["x"] == {"steps": [1, 5], "nfe": [1.0, 5.0], "seconds": [0.01, 0.05]}
    plain = next(t for t in traces if t.get("name") == "plain")
    assert plain["meta"]["x"]["steps"] == [1, 5] and plain["meta"]["modes"] == {
        "steps": "lines",
        "nfe": "lines+markers",
        "seconds": "lines+markers",
    }
    band = next(t for t in traces if t["meta"].get("band") and t["meta"]["method"] == "slow & 'sure'")
    figures = [r.metrics["accuracy"] for r in own]
    ends = [*(f.high for f in figures), *(f.low for f in reversed(figures))]
    assert band["y"] == [end * 100 for end in ends if end is not None] and len(band["y"]) == 4


def test_a_matrix_is_the_share_of_each_true_class(store: Path, page: str) -> None:
    """Of 120 images the first 117 are right, and classes alternate: the last three are of classes 1, 0, 1."""
    matrix = next(e for e in section(page, "confusion").iter("div") if said(e).startswith("slow & 'sure'@5"))
    rows = [[said(td) for td in tr.iter("td")] for tr in next(matrix.iter("tbody")).iter("tr")]
    assert rows == [["98.3", "1.7", "60"], ["3.3", "96.7", "60"]]


def test_classes_have_their_own_figures(store: Path, page: str) -> None:
    """IoU by hand: the background's pixels are all right, and what was missed of the other class is taken for it."""
    heat = next(e for e in section(page, "classes").iter("table") if said(e).startswith("IoU"))
    cell = next(
        c
        for c in read_stored([store])
        if (c.record.method, c.record.steps, c.record.task) == ("slow & 'sure'", 5, "ss")
    )
    counts = cell.evidence.table("confusion").groupby(["truth", "prediction"])["pixels"].sum()
    own = counts[0, 0] / (counts[0, 0] + counts[1, 0])
    row = next(tr for tr in heat.iter("tr") if said(tr).startswith("slow & 'sure'@5"))
    assert [said(td) for td in row.iter("td")] == [f"{own * 100:.1f}", f"{counts[1, 1] / 12000 * 100:.1f}"]


def test_reliability_is_of_bins_that_hold_something(page: str) -> None:
    trace = next(t for t in chart(page, "reliability-table-1")["traces"] if t.get("name") == "slow &amp; 'sure'@5")
    assert all(0.5 < sure <= 1 for sure in trace["x"]) and len(trace["x"]) == 7  # 0.55 to 1 in bins of a fifteenth
    assert sum(float(re.search(r"of (\d+) at", t)[1]) for t in trace["text"]) == 120  # type: ignore[index]


def test_failures_have_their_reason_and_their_traceback(page: str) -> None:
    (row,) = next(section(page, "failures").iter("tbody"))
    assert "d/ss plain steps=25" in said(row) and "Traceback File" in said(next(row.iter("pre")))


def test_an_adaptive_solver_is_no_rival_at_a_step_count(results: Any, bench: Any) -> None:
    """It has a statement of its own, and the command of its verdict finds it."""
    facts = {"protocol": {"name": "d/cls@1", "hash": "cls"}}
    for place, (steps, solver, nfe) in enumerate(((1, "euler", 1), (5, "euler", 5), (None, "dopri5", 143))):
        right = 80 + 15 * place
        own = {"metrics": {"accuracy": Figure(value=right / 120)}, "steps": steps, "solver": solver, "nfe": nfe}
        results.add("semflow", "cls", results.predictions(right), **own, **facts)
    found = tables(results.cells)
    base = next(row for row in found[0].rows if row.steps is None)
    assert called(found, base) == "semflow,dopri5"
    assert {row.at for row, *_ in judge(found, "semflow,dopri5", {})[0].verdicts} == {"semflow@1", "semflow@5"}
    made = api.report(results.root, form="html").content
    assert isinstance(made, str)
    card = said(classed(section(made, "verdict"), "card")[0])
    for at in ("1 step", "5 steps", "an adaptive solver's own steps"):
        assert re.search(rf"At {at} semflow( dopri5)? alone was measured", card)


def test_seeds_that_rows_do_not_share_are_not_counted_together(results: Any) -> None:
    facts = {"protocol": {"name": "d/cls@1", "hash": "cls"}, "metrics": {"accuracy": Figure(value=0.5)}, "steps": 1}
    results.add("a", "cls", results.predictions(60), seed=0, **facts)
    results.add("b", "cls", results.predictions(60), seed=1, **facts)
    made = api.report(results.root, form="html").content
    assert isinstance(made, str)
    assert "1 generation seed a row, not the same, protocol" in said(classed(section(made, "verdict"), "card")[0])


def test_a_filter_stands_in_the_head(store: Path) -> None:
    made = api.report(store, form="html", tasks="cls", steps=[1]).content
    assert isinstance(made, str) and "chosen by --task cls --steps 1" in said(next(read(made).iter("header")))


def test_a_record_that_cannot_be_read_is_named_in_the_file(store: Path, tmp_path: Path) -> None:
    """Whoever gets the file sees no note of a terminal."""
    shutil.copytree(store, tmp_path / "s")
    broken = next((tmp_path / "s").glob("d/cls/*/record.json"))
    broken.write_text(broken.read_text()[:300])
    for form in ("html", "md", "latex"):
        with pytest.warns(Note, match="it is left out"):
            made = api.report(tmp_path / "s", form=form).content
        assert isinstance(made, str) and "it is left out" in made
        if form == "html":
            assert "1 record left out, see Failures" in said(next(read(made).iter("header")))
            assert "unreadable" in said(section(made, "failures"))


def test_where_all_failed_the_first_screen_says_so(results: Any) -> None:
    results.add("plain", "ss", results.confusion(0.5), status="failed", reason="MemoryError: 3 GB", metrics={})
    made = api.report(results.root, form="html").content
    assert isinstance(made, str)
    card = classed(section(made, "verdict"), "card")[0]
    assert "Nothing was measured: 1 cell failed." in said(card) and "MemoryError" in said(card)


def test_what_users_name_is_text(page: str) -> None:
    root = read(page)
    assert len([e for e in root.iter("script") if e.get("type") != "application/json"]) == 2
    assert "<script>alert(1)" not in page and "\x1b" not in page and "\\u001b[31m" in page
    assert "<script>alert(1)</script>" in said(section(page, "confusion"))
    for data in (e for e in root.iter("script") if e.get("type")):
        json.loads("".join(data.itertext()))
    assert not any(e.get("src") or e.get("href", "").startswith("http") for e in root.iter())
    assert all(not name.startswith("on") for e in root.iter() for name in e.attrib)


def test_the_whole_protocol_stands_in_a_fold(store: Path, page: str) -> None:
    folds = list(section(page, "provenance").iter("details"))
    shown = [json.loads("".join(pre.itertext())) for pre in folds[0].iter("pre")]
    assert [p["name"] for p in shown] == ["cls", "ss"]
    cells = said(folds[1])
    assert all(record.key in cells for record in records(store))


def test_equal_stores_make_equal_pages(store: Path, page: str) -> None:
    assert api.report(store, form="html").content == page


def test_a_filter_stands_in_the_commands(store: Path) -> None:
    made = api.report(store, form="html", tasks="cls", methods=["fast=1+1", "slow & 'sure'"], steps=[1, 5]).content
    assert isinstance(made, str)
    command = next("".join(e.itertext()) for e in section(made, "verdict").iter("code"))
    assert shlex.split(command)[3:] == [
        *("--task", "cls", "--dataset", "d", "--method", "fast=1+1,slow & 'sure'", "--steps", "1,5"),
        *("--baseline", "slow & 'sure'@1"),
    ]
    assert "not run" not in said(section(made, "verdict")) and not any(
        e.get("id") in ("classes", "failures") for e in read(made).iter("section")
    )


def test_the_command_line_writes_it(store: Path, bench: Any, tmp_path: Path) -> None:
    done = bench("report", str(store), "-o", "page.html")
    assert (done.returncode, done.stdout) == (0, "page.html\n")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    refused = bench("report", str(store), "-o", "page.html", "--intervals")
    assert refused.returncode == 2 and "--format latex" in refused.stderr


@pytest.mark.slow
def test_ten_methods_on_three_tasks_at_six_step_counts_stay_small_and_fast(results: Any, predictions: Any) -> None:
    """180 cells: under 8 MB, and under 10 s of one core."""
    for place in range(180):
        number, method, steps = place % 3, place // 3 % 10, (1, 2, 5, 10, 25, 50)[place // 30]
        task = ("cls", "ss", "cycle")[number]
        right = 60 + 3 * method + place % 20
        evidence = predictions(results, right, place) if number == 0 else results.confusion(right / 120, place)
        figures = {("accuracy", "miou", "cycle_miou")[number]: Figure(value=right / 120)}
        facts = {"steps": steps, "nfe": steps, "protocol": {"name": f"d/{task}@1", "hash": task}, "metrics": figures}
        cost = Cost(images_per_second=100 / steps, batch_size=8, device="cpu")
        details = {"classes": ["background", "c"], "ignored_classes": []} if number else {}
        results.add(f"m{method}", task, evidence, cost=cost, details=details, **facts)
    started = time.process_time()
    made = api.report(results.root, form="html").content
    assert time.process_time() - started < 10
    assert isinstance(made, str) and len(made.encode()) < 8e6
    boards = classed(section(made, "leaderboard"), "board")
    assert [len(list(next(board.iter("tbody")).iter("tr"))) for board in boards] == [60, 60, 60]


def test_what_lacks_has_its_reason(results: Any, predictions: Any) -> None:
    """A step count that others have, a method that cannot do the task, and one that nobody ran."""
    facts = {"dataset": "digits", "protocol": {"name": "p", "hash": "cls"}, "metrics": {"accuracy": Figure(value=0.5)}}
    for method, steps in (("symmflow", 1), ("symmflow", 5), ("diffusion-classifier", 5)):
        results.add(method, "cls", predictions(results, 60, 1), steps=steps, nfe=steps, **facts)
    masks = facts | {"dataset": "digit-scenes", "protocol": {"name": "p", "hash": "ss"}}
    results.add("unet", "ss", results.confusion(0.5), steps=None, solver=None, **masks)
    made = api.report(results.root, form="html").content
    assert isinstance(made, str)
    digits, scenes = (said(classed(card, "unmeasured")[0]) for card in classed(section(made, "verdict"), "card"))
    assert "diffusion-classifier at 1 step: not " in digits and "unet: not supported, it only segments" in digits
    assert "diffusion-classifier: not supported, " in scenes and "symmflow: not run" in scenes
