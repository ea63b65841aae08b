"""The Python interface: what it shows, takes and gives."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

import symmbench.bench
from symmbench.bench import api
from symmbench.bench.cli.app import app
from symmbench.bench.run.keywords import RequestFields, TrainingFields, WantedFields
from symmbench.bench.run.request import Request
from symmbench.bench.run.training import Training
from symmbench.bench.run.wanted import Wanted
from symmbench.symmflow.errors import InputError

ROOMS = ("run.data", "run.dry_run", "run.portable", "run.prepare", "run.roundtrip", "records.tidy")
WHERE = {api.__name__, *(f"symmbench.bench.{room}" for room in ROOMS)}
FUNCTIONS = {
    name: found
    for name, found in vars(api).items()
    if inspect.isfunction(found) and found.__module__ in WHERE and not name.startswith("_")
}


def test_every_function_shows_its_keywords() -> None:
    assert FUNCTIONS
    for name, function in FUNCTIONS.items():
        kinds = {p.kind for p in inspect.signature(function).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, name
        assert inspect.getdoc(function), name
    shown = inspect.signature(api.run).parameters
    assert {field.name for field in fields(Request)} <= set(shown) and shown["steps"].default == ()
    assert {field.name for field in fields(Training)} <= set(inspect.signature(api.train).parameters)


def test_every_command_has_a_function() -> None:
    commands = {command.name for command in app.registered_commands}
    named = {"list": "inventory", "import": "import_checkpoint", "export": "export_checkpoint"}
    assert {named.get(str(name), str(name)) for name in commands} <= set(FUNCTIONS)
    assert {"save_baseline", "get", "verify", "show", "prepare", "load"} <= set(FUNCTIONS)
    assert set(symmbench.bench.__all__) >= set(FUNCTIONS)


@pytest.mark.parametrize(
    ("typed", "kind"), [(RequestFields, Request), (TrainingFields, Training), (WantedFields, Wanted)]
)
def test_keywords_are_the_fields(typed: type, kind: type) -> None:
    assert list(typed.__annotations__) == [field.name for field in fields(kind)]


def test_an_unknown_keyword_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown keyword 'step'; did you mean 'steps'"):
        api.run(step=[1])  # type: ignore[call-arg]
    with pytest.raises(InputError, match="unknown keyword 'sorted'; did you mean 'sort'"):
        api.compare(sorted="miou")  # type: ignore[call-arg]
    with pytest.raises(InputError, match="give a Request or its fields, not both"):
        api.run(Request(), steps=[1])


def test_a_string_is_one_name_and_a_number_one_number(tmp_path: Path) -> None:
    found = api.run(methods="cnn", tasks="cls", datasets="digits", limit=6, out=str(tmp_path / "r"), device="cpu")
    assert [(r.method, r.task, r.n) for r in found] == [("cnn", "cls", 6)] and found.evaluated == 6
    again = api.run(methods="symmflow", tasks="cls", steps=1, limit=6, out=tmp_path / "r", device="cpu")
    assert [r.steps for r in again] == [1]


def test_results_show_themselves(tmp_path: Path) -> None:
    out = tmp_path / "r"
    found = api.run(methods="cnn", tasks="cls", limit=6, out=out, device="cpu")
    assert repr(found) == "<1 records: digits/cls>" and "<table>" in found._repr_html_()
    assert "accuracy=" in repr(found[0])
    compared = api.compare(out)
    assert len(repr(compared)) < 200 and "<table>" in compared._repr_html_()
    assert "1 cells" in repr(api.rescore(out))
    api.run(methods="cnn", tasks="cls", limit=6, out=tmp_path / "again", device="cpu")
    report = api.gate(out, tmp_path / "again")
    assert len(repr(report)) < 200 and "<table>" in report._repr_html_()
    picture = api.sample(methods="symmflow", tasks="cls", steps=1, count=2, device="cpu")
    assert repr(picture).startswith("<PNG") and picture._repr_png_()[:4] == b"\x89PNG"


def test_load_gives_a_tidy_frame_of_several_folders(tmp_path: Path) -> None:
    for name, method in (("a", "cnn"), ("b", "symmflow")):
        api.run(methods=method, tasks="cls", steps=1, limit=6, out=tmp_path / name, device="cpu")
    frame = api.load(tmp_path / "a", tmp_path / "b")
    assert set(frame["method"]) == {"cnn", "symmflow"}
    row = frame[(frame["method"] == "cnn") & (frame["metric"] == "accuracy")].iloc[0]
    assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1 and row["n"] == 6
    absent = frame[(frame["method"] == "symmflow") & (frame["metric"] == "brier")].iloc[0]
    assert "no probabilities" in absent["absent"] and absent["value"] != absent["value"]
    documented = inspect.getdoc(api.load) or ""
    assert all(column in documented for column in frame.columns)


def test_progress_is_told(tmp_path: Path) -> None:
    from symmbench.bench.run.sweep import Progress

    class Told(Progress):
        def __init__(self) -> None:
            self.total = self.done = 0

        def job(self, title: str, total: int, done: int) -> None:
            self.total += total - done

        def advance(self, images: int) -> None:
            self.done += images

    told = Told()
    api.run(methods="cnn", tasks="cls", limit=6, out=tmp_path / "r", device="cpu", progress=told)
    assert told.total == told.done == 6
