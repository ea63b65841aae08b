"""Verdicts on made-up evidence where the answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.compare.difference import difference, verdict
from symmbench.bench.compare.floors import floor_of, read_floors
from symmbench.bench.compare.tables import tables
from symmbench.bench.compare.verdicts import Judged, block, judge
from symmbench.bench.metrics import Floor
from symmbench.bench.records import Figure, Missing
from symmbench.bench.statistics import Difference
from symmbench.symmflow.errors import InputError


def judged(results: Any, baseline: str) -> list[Judged]:
    return judge(tables(results.cells), baseline, {})


def made(value: float, error: float) -> Difference:
    outer, inner = 1.96 * error, 1.645 * error
    return Difference(value, value - outer, value + outer, value - inner, value + inner, error, 0.0, "test images")


@pytest.mark.parametrize(
    ("value", "error", "p", "higher", "word"),
    [
        (0.05, 0.01, 0.001, True, "better"),
        (0.05, 0.01, 0.001, False, "worse"),
        (-0.05, 0.01, 0.001, True, "worse"),
        (0.05, 0.01, 0.2, True, "inconclusive"),  # excludes zero, but not among so many comparisons
        (0.01, 0.03, 0.7, True, "inconclusive"),
        (0.003, 0.001, 0.003, True, "equivalent"),  # real, and too small to matter
        (0.0, 0.002, 1.0, True, "equivalent"),
    ],
)
def test_words(value: float, error: float, p: float, higher: bool, word: str) -> None:
    gap = made(value, error)
    found = verdict("m", gap, higher_is_better=higher, floor=0.01, p=p, p_equivalent=gap.within(0.01))
    assert found.word == word and found.reason


def test_accuracy_is_paired_by_image(results: Any) -> None:
    results.add("a", "cls", results.predictions(100), metrics={"accuracy": Figure(value=100 / 120)})
    shuffled = {"samples": results.predictions(90)["samples"].sample(frac=1, random_state=0)}
    results.add("b", "cls", shuffled, metrics={"accuracy": Figure(value=90 / 120)})
    found = difference("accuracy", results.cells[:1], results.cells[1:])
    assert isinstance(found, Difference) and found.value == pytest.approx(10 / 120)
    assert found.p == pytest.approx(2 * 0.5**10)  # ten disagreements, all one way
    (table,) = judged(results, "b")
    (((row, base, (only,))),) = table.verdicts
    assert (row.method, base.method, only.word) == ("a", "b", "better")


def test_miou_is_paired_by_image_and_seed(results: Any) -> None:
    for seed in (0, 1):
        for method, right in (("a", 0.8), ("b", 0.7)):
            tables_ = results.confusion(right, seed=seed)
            results.add(
                method,
                "ss",
                tables_,
                seed=seed,
                metrics={"miou": Figure(value=right)},
                details={"classes": ["x", "y"], "ignored_classes": []},
            )
    (table,) = judged(results, "b@25")
    ((_, _, (only,)),) = table.verdicts
    assert only.word == "better" and only.seeds == (0, 1)

    def miou(right: float) -> float:
        """Of the two classes, mean over the seeds."""
        hits = np.array([np.random.default_rng(s).binomial(100, right, size=120).sum() for s in (0, 1)])
        return float(((hits / 12_000 + 12_000 / (24_000 - hits)) / 2).mean())

    assert only.difference.value == pytest.approx(miou(0.8) - miou(0.7))


def test_frechet_distances_pair_their_jackknife_values(results: Any) -> None:
    noise = np.random.default_rng(0).normal(scale=1.0, size=20)
    for method, value in (("a", 4.0), ("b", 5.0)):
        results.add(
            method,
            "sis",
            {"samples": pd.DataFrame({"id": results.ids})},
            metrics={"fid[x]": Figure(value=value, unit="distance", better="lower")},
            details={"jackknife": {"fid[x]": {"without": (value + noise).tolist(), "second": []}}},
        )
    (table,) = judged(results, "b")
    ((_, _, (only,)),) = table.verdicts
    assert only.word == "better" and only.difference.high - only.difference.low < 1e-9  # all of the noise is common


def test_holm_is_over_the_whole_table(results: Any) -> None:
    results.add("base", "cls", results.predictions(100), metrics={"accuracy": Figure(value=0.8)})
    for i in range(8):
        results.add(f"m{i}", "cls", results.predictions(108), metrics={"accuracy": Figure(value=0.9)})
    (table,) = judged(results, "base")
    single = 2 * 0.5**8
    assert [v.p for _, _, (v,) in table.verdicts] == pytest.approx([8 * single] * 8)
    assert {v.word for _, _, (v,) in table.verdicts} == {"inconclusive"}  # 0.0078 alone, 0.0625 among eight


def test_one_row_of_several_of_a_method_is_the_baseline(results: Any) -> None:
    for solver, right in (("euler", 90), ("heun", 110)):
        results.add(
            "a", "cls", results.predictions(right), solver=solver, metrics={"accuracy": Figure(value=right / 120)}
        )
    with pytest.raises(InputError, match="choose one row of several"):
        judged(results, "a")
    (table,) = judged(results, "a@25,euler")
    (((row, base, (only,))),) = table.verdicts
    assert (row.record.solver, base.record.solver, only.word) == ("heun", "euler", "better")
    assert "cover test images" in " ".join(block(table).notes)
    with pytest.raises(InputError, match=r"no row is --baseline 'a,ddim'; of a there are: @25 euler fp32"):
        judged(results, "a,ddim")
    other = results.cells[0].record.checkpoint.model_copy(update={"fingerprint": "b" * 64})
    results.add("a", "cls", results.predictions(100), checkpoint=other, metrics={"accuracy": Figure(value=100 / 120)})
    (table,) = judged(results, "a,bbbbbb")
    assert [(row.record.solver, v.word) for row, _, (v,) in table.verdicts] == [("euler", "worse"), ("heun", "better")]


def test_seeds_of_one_method_can_be_compared(results: Any) -> None:
    for seed, right in ((0, 100), (1, 101), (2, 100)):
        results.add("a", "cls", results.predictions(right), seed=seed, metrics={"accuracy": Figure(value=right / 120)})
    (table,) = judge(tables(results.cells, by_seed=True), "a,seed=0", {})
    assert [(row.seeds, v.seeds) for row, _, (v,) in table.verdicts] == [((1,), (1,)), ((2,), (2,))]
    assert [v.difference.value for _, _, (v,) in table.verdicts] == pytest.approx([1 / 120, 0])
    assert [row[0] for row in block(table).rows] == ["a seed=1", "a seed=2"]


def test_without_evidence_of_images_three_seeds_are_compared(results: Any) -> None:
    for method, gap in (("a", 1.0), ("b", 0.0)):
        for seed in range(4):
            fid = Figure(value=5 + gap + 0.01 * seed, unit="distance", better="lower")
            results.add(
                method, "sis", {"samples": pd.DataFrame({"id": results.ids})}, seed=seed, metrics={"fid[x]": fid}
            )
    (table,) = judged(results, "b")
    ((_, _, (only,)),) = table.verdicts
    assert only.word == "worse" and only.difference.covers == "generation seeds"
    untold = difference("fid[x]", results.cells[:2], results.cells[4:6])
    assert isinstance(untold, Missing) and "has no features" in untold.reason


def test_seeds_that_differ_between_rows_are_said(results: Any) -> None:
    for method, seeds in (("a", (0, 1)), ("b", (0,))):
        for seed in seeds:
            results.add(method, "cls", results.predictions(90), seed=seed, metrics={"accuracy": Figure(value=0.75)})
    (table,) = judged(results, "b")
    assert table.remarks == ["a@25 and b@25: over the seeds that can be paired (0)"]


def test_what_cannot_be_compared_is_said(results: Any) -> None:
    results.add("a", "cls", results.predictions(100), metrics={"accuracy": Figure(value=0.8)})
    results.add("b", "cls", results.predictions(90), steps=5, metrics={"accuracy": Figure(value=0.7)})
    with pytest.raises(InputError, match="unknown baseline 'bb'"):
        judged(results, "bb")
    with pytest.raises(InputError, match="is no step count"):
        judged(results, "b@many")
    with pytest.raises(InputError, match="no row stands beside b"):
        judged(results, "b")
    other = {"samples": results.predictions(90)["samples"].assign(id=[f"x{i}" for i in range(results.n)])}
    results.add("c", "cls", other, metrics={"accuracy": Figure(value=0.7)})
    found = difference("accuracy", results.cells[:1], results.cells[2:])
    assert found == Missing("the evidence is not of the same images")


def test_a_row_without_evidence_does_not_hide_another(results: Any) -> None:
    for method, right in (("a", 100), ("b", 60), ("c", 100)):
        results.add(method, "cls", results.predictions(right), metrics={"accuracy": Figure(value=right / 120)})
    (results.cells[2].folder / "evidence" / "samples-00000.parquet").unlink()
    (table,) = judged(results, "b")
    assert {row.method: [v.word for v in words] for row, _, words in table.verdicts} == {"a": ["better"], "c": []}
    assert len(table.remarks) == 1 and "run the cell again" in table.remarks[0]


def test_floors_are_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "floors.toml"
    file.write_text("[accuracy]\nabsolute = 0.2\n[fid]\nrelative = 0.5\n")
    floors = read_floors(file)
    assert floor_of("accuracy", floors).of(0.9) == 0.2 and floor_of("fid[x]", floors).of(4.0) == 2.0
    assert floor_of("miou", floors) == Floor(absolute=0.01) and floor_of("relative_time", {}).of(2.0) == 0.2
    assert floor_of("not-installed", floors).of(1.0) == 0 and read_floors() == {}
    for text, said in (
        ("[fid]\nabsolute = -1", "takes either"),
        ("[fid]\nab = 1", "takes either"),
        ("[x", "not a valid"),
        ("[acuracy]\nabsolute = 0.9", "did you mean 'accuracy'"),
    ):
        file.with_name(f"{abs(hash(text))}.toml").write_text(text)
        with pytest.raises(InputError, match=said):
            read_floors(file.with_name(f"{abs(hash(text))}.toml"))
    with pytest.raises(InputError, match="cannot be read as a file of floors"):
        read_floors(tmp_path / "none.toml")
