"""Hashes that last: what is added at its default moves none; stores of before the keys changed map to today's."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, create_model

from symmbench import datasets
from symmbench.bench import api, metrics
from symmbench.bench.metrics.segmentation import Ratios
from symmbench.bench.protocols import DEFAULT, Protocol, content_hash, make, rules
from symmbench.bench.records import Cell, Store
from symmbench.bench.tasks import task

CELL: dict[str, Any] = {
    "method": "symmflow",
    "checkpoint": "c",
    "task": "cls",
    "dataset": "digits",
    "split": "test",
    "steps": 25,
    "solver": "euler",
    "noise": "n",
    "protocol": "p",
}


def _migrate() -> Any:
    """The script beside the tests."""
    spec = importlib.util.spec_from_file_location("migrate_store", Path(__file__).parents[1] / "migrate_store.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.migrate


def later(kind: type[BaseModel]) -> type[BaseModel]:
    """The same model with a field that came later."""
    return create_model(kind.__name__, __base__=kind, added=(int, 7))


def protocol() -> Protocol:
    card, named = datasets.card("digits"), rules(DEFAULT)
    samples = datasets.manifest("digits", "test")
    policy = task("cls").policy(card, named, 1)
    return make("cls", card, samples, named, policy=policy, judges={}, metrics={"accuracy": 1})


def test_a_field_added_to_the_cell_moves_no_key() -> None:
    cell = later(Cell)(**CELL)
    assert isinstance(cell, Cell) and cell.key == Cell(**CELL).key
    assert later(Cell)(**CELL, added=8).key != cell.key  # type: ignore[attr-defined]


@pytest.mark.parametrize("changed", [{"steps": 5}, {"seed": 1}, {"options": {"beta": 3}}, {"version": 2}])
def test_what_differs_moves_the_key(changed: dict[str, Any]) -> None:
    assert Cell(**CELL | changed).key != Cell(**CELL).key


def test_a_field_added_to_the_protocol_moves_no_hash() -> None:
    now = protocol()
    after = later(Protocol)(**now.model_dump())
    assert isinstance(after, Protocol) and after.hash == now.hash


def test_metrics_that_are_added_move_no_protocol_and_raised_ones_do() -> None:
    now = protocol()
    assert now.model_copy(update={"metrics": {"accuracy": 1, "another": 1}}).hash == now.hash
    assert now.model_copy(update={"metrics": {"accuracy": 2}}).hash != now.hash


def test_names_do_not_count_and_samples_do() -> None:
    now = protocol()
    assert now.model_copy(update={"name": "another"}).hash == now.hash
    assert now.model_copy(update={"ids_sha256": "0" * 64}).hash != now.hash


def test_keys_are_what_they_were() -> None:
    """Pinned: whoever changes a default, or the way of hashing, sees it here."""
    assert Cell(**CELL).key == "86cc9edf5e0481cc"
    assert content_hash(protocol(), leave_out=("name", "rules", "metrics")) == "215fdc9b0c4a8f44"
    assert protocol().hash == "45f3bba16af01dd0"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and its comparison as symmbench 0.1 made them before the keys changed."""
    folder = tmp_path_factory.mktemp("store-0.1")
    with zipfile.ZipFile(Path(__file__).parents[1] / "fixtures" / "store-0.1.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def after(before: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("mapped")
    return folder, _migrate()(before, folder)


def _by_ratios(metric: str) -> bool:
    """Whether its interval is that of a mean of ratios: these were percentiles of resamples in symmbench 0.1."""
    known = metrics.known(metric)
    return known is not None and issubclass(known.kind, Ratios)


def _settled(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what an interval brings, where that is another one since."""
    if not _by_ratios(row.get("metric", "")):
        return row
    brought = {"low", "high", "inner_low", "inner_high", "error", "p", "reason", "images"}
    gap = {k: v for k, v in row.get("difference", {}).items() if k not in brought}
    return {k: gap if k == "difference" else v for k, v in row.items() if k not in brought}


def test_a_store_of_before_has_the_same_figures_to_the_last_digit(after: tuple[Path, dict[str, str]]) -> None:
    found = api.rescore(after[0])
    assert len(found.made) == 16 and not found.left
    for one in found.made:
        for name, (first, second) in one.changed.items():  # the figure is the same, its interval another one since
            if name not in one.before.metrics:  # a metric that came later
                continue
            assert first and second and _by_ratios(name)
            ends = {"low": first.low, "high": first.high, "covers": first.covers}
            assert second.model_copy(update=ends) == first
        assert _told(one.after.details) == _near(_told(one.before.details)) and one.after.absent == one.before.absent


def _told(details: dict[str, Any]) -> dict[str, Any]:
    """Details but for n / d, which did not count the smaller side."""
    return details | {"features": {k: v for k, v in details.get("features", {}).items() if k != "n_over_d"}}


def _near(value: Any) -> Any:
    """Equal to what hardly differs: eigenvalues, and so the jackknife of a Fréchet distance, differ between
    processors."""
    if isinstance(value, dict):
        return {key: _near(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_near(one) for one in value]
    return pytest.approx(value, rel=1e-6, abs=1e-5) if isinstance(value, float) else value


def figures(blocks: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What a comparison measures: rows with their values, differences, spread; not how it is judged and worded, nor
    the options that methods have had since."""
    return {
        "rows": [
            {field: value for field, value in row.items() if field not in ("metrics", "options", "paper")}
            | {"metrics": {name: figure["value"] for name, figure in row["metrics"].items()}}
            for table in blocks["tables"]
            for row in table["rows"]
        ],
        "differences": [
            (v["protocol"], v["method"], v["steps"], v["metric"], round(v["difference"]["value"], 12))
            for v in blocks["verdicts"]
            if v["metric"] != "miou"  # it was of the counts of all seeds, and is the mean over them
        ],
        "fronts": [(f["method"], f["steps"], f["value"], f["on_front"]["nfe"]) for f in blocks["fronts"]],
        "spread": [(s["method"], s["steps"], s["value"], s["generation"]) for s in blocks["spread"]],
    }


def test_a_store_of_before_compares_as_it_did(before: Path, after: tuple[Path, dict[str, str]]) -> None:
    folder, names = after
    short = {old[:6]: new[:6] for old, new in names.items() if len(old) == 64}  # fingerprints, as tables show them

    def mapped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mapped(v) for key, v in value.items()}
        if isinstance(value, list):
            return [mapped(v) for v in value]
        return (names | short).get(value, value) if isinstance(value, str) else value

    found = api.compare(folder, baseline="symmflow@1", pareto="miou", spread="miou")
    blocks: dict[str, list[Any]] = {}
    for block in found.blocks:
        blocks.setdefault(block.kind, []).extend(json.loads(json.dumps(block.data)))
    known = mapped(json.loads((before / "compare.json").read_text()))
    for kind, data in figures(known).items():
        assert data and figures(blocks)[kind] == data, kind


def test_keys_of_a_mapped_store_are_those_of_todays_requests(after: tuple[Path, dict[str, str]]) -> None:
    for stored in Store(after[0]).items():
        assert stored.record.key == stored.record.cell.key
        assert stored.folder == Store(after[0]).path(stored.record.cell)
        assert set(stored.record.metrics) <= {name for name in stored.record.metrics if metrics.known(name) is not None}
