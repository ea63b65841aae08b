"""Speeds of unequal devices, threads or batches: never side by side, nor in one median."""

from __future__ import annotations

import json
from typing import Any

import pytest

from symmbench.bench.compare.fronts import block as front_block
from symmbench.bench.compare.fronts import front
from symmbench.bench.compare.speed import conditions, slower
from symmbench.bench.compare.tables import Table, block, notes, sort, tables
from symmbench.bench.records import Cost, Figure, Missing
from symmbench.reports.block import to_json

CPU = {"cpu": "Xeon", "threads": 2}


def add(results: Any, method: str, speed: float, facts: dict[str, Any] = CPU, **more: Any) -> None:
    cost = Cost(
        batch_size=more.pop("batch", 64), device=more.pop("device", "cpu"), images_per_second=speed, relative=[1.2] * 4
    )
    metrics = {"accuracy": Figure(value=0.8)}
    results.add(method, "cls", results.predictions(96), metrics=metrics, cost=cost, provenance=facts, **more)


def only(results: Any) -> Table:
    (table,) = tables(results.cells)
    return table


OTHERWISE = [
    ({"facts": CPU | {"threads": 1}}, "cpu Xeon, 1 thread, batches of 64"),
    ({"facts": CPU | {"cpu": "EPYC"}}, "cpu EPYC, 2 threads, batches of 64"),
    ({"batch": 8}, "cpu Xeon, 2 threads, batches of 8"),
    ({"facts": CPU | {"processes": 4}}, "cpu Xeon, 2 threads, batches of 64, 4 processes on its machine"),
    ({"facts": CPU | {"gpu": "H100"}, "device": "cuda:0"}, "cuda H100, 2 threads, batches of 64"),
]


@pytest.mark.parametrize(("how", "said"), OTHERWISE)
def test_speeds_stand_side_by_side_only_where_they_were_measured_alike(results: Any, how: Any, said: str) -> None:
    for method, speed in (("a", 100.0), ("b", 300.0)):
        add(results, method, speed)
    add(results, "c", 900.0, **how)
    table = only(results)
    assert [table.images_per_second(row) for row in table.rows] == [100, 300, None]
    shown = [row["images_per_second"] for row in json.loads(to_json([block(table)]))["tables"][0]["rows"]]
    assert shown == [100, 300, None] and [cells[-1] for cells in block(table).rows] == ["100", "300", "–"]
    (note,) = (line for line in notes(table) if line.startswith("images/s"))
    assert note.startswith("images/s are of cpu Xeon, 2 threads, batches of 64;") and f"c@25 ({said})" in note
    sort([table], "seconds")
    assert [row.method for row in table.rows] == ["b", "a", "c"]
    found = front(table, "accuracy", {})
    assert "seconds" not in found.choice and "nfe" in found.choice
    assert any("no front against seconds" in remark for remark in found.remarks)
    assert [point["seconds"] for point in front_block(found).data] == pytest.approx([1 / 300, 1 / 100, None])
    assert isinstance(slower(results.cells[0].record, results.cells[2].record), Missing) == ("EPYC" not in said)


def test_a_median_is_of_seeds_that_were_measured_alike(results: Any) -> None:
    for seed, speed in enumerate((100.0, 120.0, 400.0)):
        add(results, "a", speed, seed=seed)
    assert only(results).rows[0].images_per_second == 120
    assert not any(line.startswith("images/s") for line in notes(only(results)))
    add(results, "a", 900.0, seed=3, batch=8)
    assert only(results).rows[0].images_per_second is None
    assert "images/s left out, as they were measured otherwise: a@25 (its seeds under several conditions)." in notes(
        only(results)
    )


def test_processes_that_share_a_gpu_are_told_from_those_that_do_not(results: Any) -> None:
    gpu = CPU | {"gpu": "H100", "processes": 4}
    for sharing in (1, 1, 2):
        add(results, "abc"[len(results.cells)], 100.0, gpu | {"processes_on_gpu": sharing}, device="cuda:0")
    one, same, other = (cell.record for cell in results.cells)
    assert conditions([one, same]) and conditions([one, other]) is None
    assert not isinstance(slower(one, same), Missing)
    assert slower(one, other) == Missing("another number of processes on its GPU: 2, was 1")
    alone = CPU | {"gpu": "H100"}
    add(results, "old", 100.0, alone, device="cuda:0")
    add(results, "alone", 100.0, alone | {"processes": 1, "processes_on_gpu": 1}, device="cuda:0")
    assert conditions([cell.record for cell in results.cells[3:]])
