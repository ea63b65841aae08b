"""Rows, differences, spread and fronts of several seeds: one figure, from one mechanism."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.compare.difference import difference
from symmbench.bench.compare.fronts import front
from symmbench.bench.compare.rows import over_seeds
from symmbench.bench.compare.spread import sources
from symmbench.bench.compare.tables import notes, tables
from symmbench.bench.compare.verdicts import judge
from symmbench.bench.metrics import Floor, metric, sample_of
from symmbench.bench.records import Figure
from symmbench.bench.statistics import Difference, holm

BOTH = "test images and generation seeds"


def add(results: Any, name: str, method: str, task: str, evidence: dict[str, pd.DataFrame], **facts: Any) -> None:
    """A cell with its figure as the metric makes it."""
    details = {"classes": ["x", "y"], "ignored_classes": []} if task == "ss" else {}
    results.add(method, task, evidence, details=details, metrics={name: Figure(value=0)}, **facts)
    found = sample_of(name, cell := results.cells[-1])
    cell.record.metrics[name] = metric(name).figure(found)  # type: ignore[arg-type]


def segmented(results: Any, method: str, right: float, seeds: tuple[int, ...]) -> None:
    for seed in seeds:
        add(results, "miou", method, "ss", results.confusion(right, seed=seed), seed=seed)


def predicted(results: Any, method: str, wrong: list[set[int]], **facts: Any) -> None:
    """A classification a seed, that gets these images wrong."""
    for seed, images in enumerate(wrong):
        rows = results.predictions(results.n)["samples"]
        rows.loc[sorted(images), "prediction"] = 1
        add(results, "accuracy", method, "cls", {"samples": rows}, seed=seed, **facts)


def test_rows_differences_spread_and_fronts_use_the_same_figure(results: Any) -> None:
    segmented(results, "a", 0.8, (0, 1, 2))
    segmented(results, "b", 0.7, (0, 1, 2))
    (table,) = tables(results.cells)
    a, b = (row.metrics["miou"] for row in table.rows)
    singles = [cell.record.metrics["miou"].value for cell in results.cells]
    assert (a.value, b.value) == pytest.approx((np.mean(singles[:3]), np.mean(singles[3:])))
    ((_, _, (only,)),) = judge([table], "b", {})[0].verdicts
    assert only.difference.value == pytest.approx(a.value - b.value) and only.seeds == (0, 1, 2)
    assert (only.difference.covers, a.covers) == (BOTH, BOTH)
    assert [s.value for s in sources(table, "miou").sources] == pytest.approx([a.value, b.value])
    assert [p.value for p in front(table, "miou", {}).points] == pytest.approx([a.value, b.value])
    assert notes(table)[0].startswith(f"95 % intervals cover {BOTH}; percent")


def test_two_seeds_are_about_as_sure_as_one_and_not_surer_than_the_images_allow(results: Any) -> None:
    """An image is as hard in every seed, but for a few: what two seeds share is not halved."""
    hard = set(range(20))
    predicted(results, "a", [hard | {20, 21}, hard | {30}])
    one, two = over_seeds("accuracy", results.cells[:1]), over_seeds("accuracy", results.cells)
    halves = [(f.high - f.low) / 2 for f in (one, two)]  # type: ignore[operator]
    assert one.covers == "test images" and two.covers == BOTH
    assert (
        0.95 * halves[0] < halves[1] < halves[0]
    )  # a t over the two seeds alone would be 1.06 times as wide, by chance


def test_seeds_that_agree_on_every_image_keep_the_interval_over_images(results: Any) -> None:
    predicted(results, "a", [{1, 2}, {1, 2}])
    assert over_seeds("accuracy", results.cells) == results.cells[0].record.metrics["accuracy"]
    predicted(results, "b", [{1, 2}, {3, 4}])  # as many right, but others
    b = over_seeds("accuracy", results.cells[2:])
    assert b.value == results.cells[2].record.metrics["accuracy"].value and b.covers == BOTH


def test_a_share_ends_at_one_and_a_figure_without_interval_gets_none(results: Any) -> None:
    predicted(results, "a", [set(), set(range(30))])  # seeds that no draws of their images explain
    assert over_seeds("accuracy", results.cells).high == 1
    bare = Figure(value=0.5)
    results.cells[0].record.metrics["accuracy"] = bare
    found = over_seeds("accuracy", results.cells)
    assert found.value == pytest.approx((0.5 + 90 / 120) / 2) and (found.low, found.high, found.covers) == (
        None,
        None,
        "",
    )


def test_differences_pair_seeds_by_image(results: Any) -> None:
    """Both get the same images wrong by chance of the seed: their difference knows nothing of it."""
    noise = [{i * 7 % 120 for i in range(10, 40)}, {i * 11 % 120 for i in range(50, 75)}]
    predicted(results, "a", noise)
    predicted(results, "b", [images | {0, 1, 2, 3, 4, 5} for images in noise])
    a, b = results.cells[:2], results.cells[2:]
    paired, crossed = difference("accuracy", a, b), difference("accuracy", a, [b[1]])
    alone = difference("accuracy", a[:1], b[1:])  # no seed in common
    assert isinstance(paired, Difference) and isinstance(crossed, Difference) and isinstance(alone, Difference)
    assert paired.error < alone.error / 1.5
    assert crossed.value == pytest.approx(difference("accuracy", a[1:], b[1:]).value)  # type: ignore[union-attr]


def test_a_method_without_seeds_stands_beside_every_seed_of_the_other(results: Any) -> None:
    predicted(results, "once", [{0}, {0}], steps=None, solver=None)
    predicted(results, "flow", [{1, 2, 3}, {4, 5}, {6}])
    found = judge(tables(results.cells), "once", {})[0]
    ((row, _, (only,)),) = found.verdicts
    assert row.method == "flow" and only.seeds == (0, 1, 2) and found.remarks == []
    assert only.difference.value == pytest.approx(-1 / 120) and only.difference.covers == BOTH


def test_seeds_that_do_not_match_are_paired_in_their_order(results: Any) -> None:
    segmented(results, "a", 0.8, (0, 1, 2))
    segmented(results, "b", 0.7, (5, 6))
    found = judge(tables(results.cells), "b", {})[0]
    ((_, _, (only,)),) = found.verdicts
    assert only.seeds == (0, 1) and found.remarks == ["a@25 and b@25: over the seeds that can be paired (0, 1)"]


def test_equivalence_is_corrected_for_the_table(results: Any) -> None:
    """Ten rows beside one, each of which would be called equivalent if it stood alone."""
    for i in range(11):
        values = np.roll(np.random.default_rng(0).normal(0.5, 0.08, size=results.n), 7 * i)
        rows = pd.DataFrame({"id": results.ids, "draw": 0, "lpips_gt": values})
        add(results, "lpips_gt", f"m{i:02d}", "sis", {"samples": rows})
    floors = {"lpips_gt": Floor(absolute=0.02)}
    verdicts = [v for _, _, (v,) in judge(tables(results.cells), "m00", floors)[0].verdicts]
    singles = [v.difference.within(v.floor) for v in verdicts]
    assert max(singles) < 0.05 and [v.p_equivalent for v in verdicts] == pytest.approx(holm(singles))
    lost = [v for v in verdicts if v.p_equivalent >= 0.05]
    assert lost and all(v.word == "inconclusive" and "not after correcting" in v.reason for v in lost)
    alone = judge(tables([results.cells[0], results.cells[1]]), "m00", floors)[0].verdicts
    assert [v.word for _, _, (v,) in alone] == ["equivalent"]
