"""Tables of made-up records: what stands in a row, what it is called, and what a reader is told beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmbench import methods
from symmbench.bench.compare import curves
from symmbench.bench.compare.naming import identity
from symmbench.bench.compare.tables import Table, block, notes, tables
from symmbench.bench.compare.text import figure
from symmbench.bench.records import CheckpointFacts, Cost, Figure, Record, Stored
from symmbench.reports.block import to_json, to_markdown
from symmbench.symmflow.errors import InputError


def cell(steps: int | None, seed: int = 0, method: str = "symmflow", value: float = 0.9, **change: Any) -> Stored:
    own = methods.recipe("two-spirals/symmflow")
    weights = CheckpointFacts(
        name="x", sha256="0", fingerprint="0" * 64, recipe=f"two-spirals/{method}", recipe_hash=own.hash, parameters=1,
        trained_steps=own.schedule.steps,
    )  # fmt: skip
    made = Record(
        key=f"{method}-{steps}-{seed}",
        status="ok",
        method=method,
        checkpoint=weights,
        task="cls",
        dataset="two-spirals",
        split="test",
        steps=steps,
        solver="euler",
        seed=seed,
        noise="n",
        n=100,
        nfe=steps or 1,
        metrics={
            "accuracy": Figure(value=value, low=value - 0.02, high=value + 0.02, covers="test images"),
            "fid[digits-cnn]": Figure(value=12.5, unit="distance", better="lower"),
        },
        cost=Cost(batch_size=64, device="cpu", images_per_second=1234.5),
        protocol={"name": "two-spirals/cls@1", "hash": "abcdefabcdef"},
    )
    return Stored(made.model_copy(update=change), Path("d") / "cls" / "x")


def only(*cells: Stored, **how: Any) -> Table:
    (table,) = tables(cells, **how)
    return table


def test_rows_aggregate_seeds_and_say_what_the_interval_covers() -> None:
    (row,) = only(*(cell(1, seed, value=v) for seed, v in enumerate((0.68, 0.7, 0.72)))).rows
    accuracy = row.metrics["accuracy"]
    assert row.seeds == (0, 1, 2) and accuracy.value == pytest.approx(0.7)
    assert accuracy.covers == "test images and generation seeds" and accuracy.high is not None
    assert accuracy.high - 0.7 > 1.96 * np.hypot(0.02 / 1.96, 0.02 / np.sqrt(3))  # of one seed, and between seeds
    (row,) = only(*(cell(1, seed, value=v) for seed, v in enumerate((0.8, 1.0)))).rows
    assert row.metrics["accuracy"].high == 1  # a share is no more than all


def test_a_row_has_one_name_and_it_tells_the_row_from_the_others_of_its_table() -> None:
    other = CheckpointFacts(name="x", sha256="1", fingerprint="1" * 64, recipe="two-spirals/symmflow", parameters=1)
    elsewhere = other.model_copy(update={"fingerprint": "2" * 64, "recipe": None, "name": "theirs"})

    def names(*cells: Stored, **how: Any) -> list[str]:
        return [row.at for row in only(*cells, **how).rows]

    assert names(cell(25), cell(None, method="cnn")) == ["cnn", "symmflow@25"]
    assert names(cell(5), cell(5, solver="heun"), cell(5, precision="bf16")) == [
        "symmflow bf16@5", "symmflow@5", "symmflow heun@5",
    ]  # fmt: skip
    assert names(cell(5), cell(5, checkpoint=other)) == ["symmflow 000000@5", "symmflow 111111@5"]
    assert names(cell(5), cell(5, checkpoint=elsewhere)) == [
        "symmflow (theirs)@5", "symmflow (two-spirals/symmflow)@5",
    ]  # fmt: skip
    beta: list[dict[str, Any]] = [{"beta": 3.0}, {"beta": None}]
    assert names(*(cell(5, options=options) for options in beta)) == ["symmflow beta=3.0@5", "symmflow beta=null@5"]
    assert names(*(cell(5, options=beta[0], seed=seed) for seed in (0, 1))) == ["symmflow@5"]  # all have it
    assert names(cell(5), cell(5, seed=1), by_seed=True) == ["symmflow seed=0@5", "symmflow seed=1@5"]
    assert names(cell(5), cell(5, version=2)) == ["symmflow v1@5", "symmflow v2@5"]
    mixed = cell(5, protocol={"name": "q", "hash": "0123456789"})
    assert names(cell(5), mixed, mixed=True) == ["symmflow 01234567@5", "symmflow abcdefab@5"]


def test_a_cell_is_called_the_same_whatever_its_weights() -> None:
    assert identity(cell(25).record) == "two-spirals/cls symmflow steps=25 seed=0"
    special = {
        "solver": "heun",
        "options": {"beta": 3.0, "gamma": None},
        "chosen": {"beta": 3.0},
        "precision": "bf16",
        "split": "validation",
        "samples_per_mask": 2,
        "protocol": {"name": "q", "hash": "h", "rules": "sdm"},
    }
    said = "two-spirals/cls dsm sdm validation steps=5 heun beta=3.0 bf16 samples=2 seed=1"
    assert identity(cell(5, 1, "dsm", **special).record) == said
    assert identity(cell(None, method="cnn", solver=None, version=2).record) == "two-spirals/cls cnn seed=0"


def test_sources_of_chance_are_told_apart_by_metric_or_by_row() -> None:
    images = Figure(value=0.5, low=0.4, high=0.6, covers="test images")
    seeds = images.model_copy(update={"covers": "generation seeds"})

    def said(*covers: tuple[Figure, Figure, Figure]) -> str:
        names = ("accuracy", "top5", "ece")
        made = [cell(s, metrics=dict(zip(names, c, strict=True))) for s, c in zip((1, 5, 25), covers, strict=True)]
        return notes(only(*made))[0]

    assert said(*[(images, images, images)] * 3).startswith("95 % intervals cover test images; percent")
    assert "cover test images, but generation seeds for ece; percent" in said(*[(images, images, seeds)] * 3)
    by_row = said((images, images, images), (images, images, images), (seeds, seeds, seeds))
    assert "but generation seeds for symmflow@25; percent" in by_row
    one = said((images, images, images), (images, images, images), (images, images, seeds))
    assert "but generation seeds for ece of symmflow@25; percent" in one


def test_papers_figures_stand_beside_matching_cells_only() -> None:
    table = only(cell(50), cell(7), cell(50, method="other"))
    assert {(r.method, r.steps): r.paper for r in table.rows} == {
        ("symmflow", 50): {"accuracy": 0.82},
        ("symmflow", 7): {},
        ("other", 50): {},
    }


def test_metric_names_in_brackets_failures_and_figures_survive() -> None:
    found = only(cell(1), cell(5, precision="bf16"), cell(2, status="failed", reason="boom\nRuntimeError: x"))
    text = to_markdown(block(found))
    assert "| fid[digits-cnn] ↓ |" in text and "90.0 [88.0, 92.0]" in text and "symmflow bf16" in text
    assert "failed: symmflow steps=2 seed=0: RuntimeError: x" in text


def test_a_table_in_json_has_what_it_always_had() -> None:
    (shown,) = json.loads(to_json([block(only(cell(1), cell(1, seed=1)))]))["tables"]
    assert list(shown) == [
        "title", "task", "dataset", "split", "n", "protocol", "rows", "absent", "remarks", "failed", "stamp",
        "other_code", "other_libraries",
    ]  # fmt: skip
    (row,) = shown["rows"]
    assert list(row) == [
        "method", "recipe", "fingerprint", "steps", "solver", "options", "precision", "seeds", "n", "parameters",
        "nfe", "images_per_second", "metrics", "paper", "keys", "protocol",
    ]  # fmt: skip
    assert row["metrics"]["accuracy"]["value"] == 0.9 and row["keys"] == ["symmflow-1-0", "symmflow-1-1"]


def test_figures_show_percent_for_shares_and_three_digits_for_small_distances() -> None:
    assert figure(Figure(value=0.97345)) == "97.3"
    assert figure(Figure(value=1.23456, unit="distance", low=1.0, high=1.5)) == "1.235 [1.000, 1.500]"


def test_headline_metrics_are_curves_over_steps() -> None:
    table = only(cell(25), cell(1), cell(50), cell(None, method="cnn", value=0.99))
    accuracy, fid = curves.panels([table])
    assert (accuracy.title, accuracy.label, fid.label) == ("two-spirals  cls", "accuracy [%]", "fid[digits-cnn]")
    by_name = {curve.name: curve.points for curve in accuracy.curves}
    assert [(p.steps, p.value, p.paper) for p in by_name["symmflow"]] == [(1, 90, 100), (25, 90, None), (50, 90, 82)]
    assert [(p.steps, p.value, p.low) for p in by_name["cnn"]] == [(None, 99, 97)]
    with pytest.raises(InputError, match="nothing to plot"):
        curves.panels([only(cell(1, metrics={"kid": Figure(value=1)}))])


def test_a_judge_that_sees_one_class_in_everything_is_told_of(results: Any) -> None:
    """Its figure is the share of that class among the labels, whatever the syntheses show."""
    real = {"3": 0.1, "8": 0.12}
    for steps, share in ((1, 0.9), (2, 0.45), (5, 0.2)):
        seen = {"syntheses": {"3": 1 - share if share < 0.4 else 0.0, "8": share}, "real": real}
        if steps == 5:
            seen["real"] = seen["syntheses"]  # most real images are of it, too
        results.add("symmflow", "sis", results.predictions(9), steps=steps, details={"seen": seen})
    (remark,) = results.table.remarks
    assert remark.startswith(
        "the judge of alignment sees class 8 in 90% of the syntheses of symmflow@1, in 12% of real"
    )
