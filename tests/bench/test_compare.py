"""Rows beside each other: protocols, fronts, the papers, and a row against itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmbench.bench.compare.difference import read_floors
from symmbench.bench.compare.fronts import cheapest, front, undominated
from symmbench.bench.compare.rows import Filter, Table, check_protocols, choose, read_stored, sort, tables
from symmbench.bench.compare.selftest import against_itself
from symmbench.bench.compare.spread import sources
from symmbench.bench.compare.verdicts import judge
from symmbench.bench.metrics.sample import Groups
from symmbench.bench.records.record import CheckpointFacts, Cost, Metric
from symmbench.bench.statistics import jackknife_error, resampled
from symmbench.reports.tables import notes
from symmbench.symmflow.errors import InputError


def add(results: Any, method: str, right: int, nfe: int, **facts: Any) -> None:
    """A classifier with `right` images of 120 right; other images for every method."""
    tables_ = results.predictions(right)
    cost = Cost(images_per_second=100 / nfe, batch_size=8, device="cpu")
    metrics = {"accuracy": Metric(value=right / 120)}
    results.add(method, "cls", tables_, steps=nfe, nfe=nfe, cost=cost, metrics=metrics, **facts)


def one(results: Any) -> Table:
    (table,) = tables([record for record, _ in results.stored])
    return table


def test_rows_of_two_protocols_are_refused_and_the_fields_named(results: Any, tmp_path: Path) -> None:
    add(results, "a", 100, 1)
    add(results, "b", 90, 1, protocol={"name": "q", "hash": "other", "rules": "sdm"})
    (tmp_path / "protocols").mkdir()
    for name, split in (("h", "test"), ("other", "validation")):
        text = json.dumps({"name": name, "rules": name, "split": split, "policy": {"uint8": split}})
        (tmp_path / "protocols" / f"{name}.json").write_text(text)
    records = [record for record, _ in results.stored]
    with pytest.raises(
        InputError, match=r"2 protocols: .*They differ in split, policy.uint8\. Choose one with --protocol h"
    ):
        check_protocols(records, [tmp_path])
    for wanted in ("sdm", "oth"):
        check_protocols(choose(records, Filter(protocol=wanted)), [tmp_path])
    (mixed,) = tables(records, mixed=True, folders=[tmp_path])
    assert len(mixed.rows) == 2 and mixed.stamp.startswith("NOT COMPARABLE") and "split, policy.uint8" in mixed.stamp
    with pytest.raises(InputError, match="several protocols"):
        front(mixed, results.stored, "accuracy", read_floors())
    assert [t.stamp for t in tables(records)] == ["", ""]


def test_filters(results: Any) -> None:
    add(results, "a", 100, 1)
    add(results, "a", 100, 5)
    records = [record for record, _ in results.stored]
    assert [r.steps for r in choose(records, Filter(steps=[5]))] == [5]
    with pytest.raises(InputError, match="did you mean"):
        choose(records, Filter(datasets=["dd"]))
    with pytest.raises(InputError, match="no record matches"):
        choose(records, Filter(tasks=["ss"]))
    with pytest.raises(InputError, match="no record has --steps 3; there are 1, 5"):
        choose(records, Filter(steps=[1, 3]))
    with pytest.raises(InputError, match="unknown protocol 'nope'"):
        choose(records, Filter(protocol="nope"))


def test_seeds_that_agree_keep_the_interval_over_images(results: Any) -> None:
    for method, rights in (("a", (100, 100)), ("b", (100, 90))):
        for seed, right in enumerate(rights):
            low_high = {"low": right / 120 - 0.1, "high": right / 120 + 0.1, "covers": "test images"}
            metrics = {"accuracy": Metric(value=right / 120, **low_high)}
            results.add(method, "cls", results.predictions(right), seed=seed, metrics=metrics)
    a, b = one(results).rows
    assert (a.metrics["accuracy"].low, a.metrics["accuracy"].covers) == (100 / 120 - 0.1, "test images")
    assert b.metrics["accuracy"].covers == "generation seeds"
    (said, *_) = notes(one(results))
    assert said.startswith("95 % intervals cover test images, but generation seeds for b@25")


def test_cells_measured_twice_with_other_figures_are_collected(results: Any, tmp_path: Path) -> None:
    add(results, "a", 100, 1, created="2026-01-01")
    folder = tmp_path / "later" / "d" / "cls" / "0"
    folder.mkdir(parents=True)
    record = results.stored[0][0].model_copy(update={"created": "2026-01-02", "metrics": {}})
    (folder / "record.json").write_text(record.model_dump_json())
    for folders in ([tmp_path, tmp_path / "later"], [tmp_path / "later", tmp_path]):
        replaced: list[Any] = []
        ((newest, _),) = read_stored(folders, replaced)
        assert newest.created == "2026-01-02" and [r.created for r in replaced] == ["2026-01-01"]


def test_sorting(results: Any) -> None:
    for method, right, nfe in (("a", 90, 5), ("b", 110, 9), ("c", 100, 1)):
        add(results, method, right, nfe)
    table = one(results)
    sort([table], "accuracy")
    assert [r.method for r in table.rows] == ["b", "c", "a"]
    sort([table], "nfe")
    assert [r.method for r in table.rows] == ["c", "a", "b"]
    with pytest.raises(InputError, match="unknown metric"):
        sort([table], "fid")


def test_undominated_and_cheapest_by_hand() -> None:
    quality = np.array([[0.8], [0.9], [0.9], [0.7], [0.91]])
    cost = np.array([1.0, 5.0, 6.0, 2.0, 25.0])
    assert undominated(quality, cost)[:, 0].tolist() == [True, True, False, False, True]
    assert undominated(np.array([[0.9], [0.9]]), np.array([1.0, 1.0])).all()  # equals do not beat each other
    assert cheapest(quality, cost, 0.02).tolist() == [1]
    assert cheapest(quality, cost, 0.2).tolist() == [0]
    assert cheapest(quality, cost, 0.0).tolist() == [4]


def test_front_with_frequencies(results: Any) -> None:
    for method, right, nfe in (("a", 100, 1), ("b", 101, 5), ("c", 60, 5), ("d", 118, 25)):
        add(results, method, right, nfe)
    found = front(one(results), results.stored, "accuracy", read_floors(), within=0.2)
    by_method = {p.row.method: p for p in found.points}
    assert {m: p.on_front["nfe"] for m, p in by_method.items()} == {"a": True, "b": True, "c": False, "d": True}
    assert by_method["a"].frequency["nfe"] == 1 and by_method["c"].frequency["nfe"] == 0
    # b has one more image right than a: on the front unless that image is not drawn, 1 - (1 - 1/120)^120
    assert by_method["b"].frequency["seconds"] == pytest.approx(0.634, abs=0.05)
    assert found.choice["nfe"].method == "a" and by_method["a"].cheapest["nfe"] > 0.9
    assert front(one(results), results.stored, "accuracy", read_floors()).choice["nfe"].method == "d"
    with pytest.raises(InputError, match="unknown metric"):
        front(one(results), results.stored, "fid", read_floors())


def test_sources_of_chance(results: Any) -> None:
    """Two trainings a tenth apart, three seeds each a hundredth apart."""
    for run, level in (("x", 60), ("y", 72)):
        for seed, more in enumerate((0, 1, 2)):
            right = level + more
            metrics = {"accuracy": Metric(value=right / 120)}
            checkpoint = CheckpointFacts(name="m", sha256=run, fingerprint=run, recipe="m", parameters=1)
            results.add("m", "cls", results.predictions(right), seed=seed, metrics=metrics, checkpoint=checkpoint)
    (found,) = sources(one(results), results.stored, "accuracy").sources
    assert (found.trainings, found.seeds) == (2, 6) and found.value == pytest.approx(67 / 120)
    assert found.spread.generation == pytest.approx(1 / 120)
    assert found.spread.training == pytest.approx(0.1 / np.sqrt(2), rel=0.01)
    assert found.spread.images == pytest.approx(np.sqrt(0.56 * 0.44 / 120), rel=0.1)


def test_a_row_against_itself_alarms_about_one_time_in_twenty(results: Any) -> None:
    for seed in (0, 1):
        counts = results.confusion(0.7, seed=seed)
        without = (10 + np.random.default_rng(seed).normal(scale=0.1, size=20)).tolist()
        details = {
            "classes": ["a", "b"],
            "ignored_classes": [],
            "jackknife": {"fid[x]": {"without": without, "second": []}},
        }
        times = np.random.default_rng(seed).normal(2, 0.1, size=8).tolist()
        cost = Cost(batch_size=8, device="cpu", relative=times)
        metrics = {"miou": Metric(value=0.7), "fid[x]": Metric(value=10, unit="distance", better="lower")}
        results.add("m", "ss", counts, seed=seed, metrics=metrics, details=details, cost=cost)
    (found,) = against_itself([one(results)], results.stored)
    rates = {r.metric: r for r in found.rates}
    assert {m: (r.how, r.trials) for m, r in rates.items()} == {
        "miou": ("exchange", 200),
        "fid[x]": ("runs", 1),
        "relative_time": ("runs", 1),
    }
    assert 0.01 <= rates["miou"].share.value <= 0.12


def test_groups_are_resampled_as_widely_as_their_error() -> None:
    random = np.random.default_rng(0)
    for second in (np.empty(0), random.normal(scale=0.3, size=20)):
        found = Groups(tuple("abcdefghijklmnopqrst"), 5.0, 5 + random.normal(scale=0.05, size=20), second)
        drawn = resampled(found.at, 20, 4000)
        error = jackknife_error(found.without.tolist(), found.second.tolist())
        assert drawn.mean() == pytest.approx(5, abs=0.05) and drawn.std() == pytest.approx(error, rel=0.1)


def test_a_baseline_must_be_one_row(results: Any) -> None:
    add(results, "a", 100, 1)
    for precision in ("fp32", "bf16"):
        add(results, "b", 90, 1, precision=precision)
    (found,) = judge([one(results)], results.stored, "b@1", read_floors())
    assert [(row.method, base.precision) for row, base, _ in found.verdicts] == [("a", "fp32")]
    add(results, "c", 95, 1, precision="fp16")
    with pytest.raises(InputError, match="2 rows that could be the baseline"):
        judge([one(results)], results.stored, "b@1", read_floors())


def test_a_row_of_one_seed_cannot_be_compared_with_itself(results: Any) -> None:
    add(results, "a", 100, 1)
    with pytest.raises(InputError, match="--seeds 0,1"):
        against_itself([one(results)], results.stored)


def test_the_papers_rows_stand_beside_ours_with_caveats(bench) -> None:  # type: ignore[no-untyped-def]
    assert bench("run", "-t", "cls", "-d", "two-spirals", "--steps", "1,5", "--limit", "100").returncode == 0
    done = bench("compare", "--against", "published", "--json")
    rows = json.loads(done.stdout)["published"]
    assert [r["steps"] for r in rows] == [1, 2, 5, 10, 20, 50]
    assert rows[0]["value"] == 1.0 and rows[0]["ours"]["value"] > 0.9 and rows[1]["ours"] is None
    shown = bench("compare", "--against", "published").stdout
    assert "as published" in shown and "no difference is tested" in shown


def test_compare_refuses_mixed_protocols_unless_told(bench) -> None:  # type: ignore[no-untyped-def]
    for limit in ("40", "80"):
        assert bench("run", "-t", "cls", "-d", "digits", "--steps", "1", "--limit", limit).returncode == 0
    refused = bench("compare")
    assert refused.returncode == 2 and "They differ in n, ids_sha256, content_sha256" in refused.stderr
    assert bench("compare", "--protocol", refused.stderr.partition("--protocol ")[2].split(",")[0]).returncode == 0
    stamped = bench("compare", "--allow-protocol-diff")
    assert stamped.returncode == 0 and "NOT COMPARABLE" in stamped.stdout
