"""`bench gap`: parts that cells measure one at a time, their sum, and what nothing tells."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from symmbench.bench import api
from symmbench.bench.cli.app import app
from symmbench.bench.compare.budget import Budget, blocks, published
from symmbench.bench.records import Record, read_record
from symmbench.reports.published import of
from symmbench.symmflow.errors import InputError

SYNTHESIS: dict[str, Any] = {"tasks": "sis", "steps": 1, "device": "cpu", "batch_size": 24}
FEW, MANY = 24, 48


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """One synthesis under another rounding, of other counts, and, with both, from another seed."""
    folder = tmp_path_factory.mktemp("gap")
    (folder / "floor.toml").write_text('rounding = "truncate"\n')
    floor = str(folder / "floor.toml")
    asked: dict[str, dict[str, Any]] = {
        "near": {"limit": FEW},
        "floor": {"limit": FEW, "protocol": floor},
        "more": {"limit": MANY},
        "far": {"limit": MANY, "protocol": floor, "seeds": 1},
        "both": {"limit": MANY, "protocol": floor},
    }
    found = {}
    for name, one in asked.items():
        (found[name],) = api.run(**SYNTHESIS, **one, out=folder / ("later" if name == "both" else "store"))
    return found


@pytest.fixture(scope="module")
def store(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next(tmp_path_factory.getbasetemp().glob("gap*/store"))


def told(made: dict[str, Record], a: str, b: str, *stores: Path, metric: str | None = None) -> Budget:
    return api.gap(made[a].key[:10], made[b].key[:10], *stores, metric=metric)


@pytest.mark.parametrize("metric", ["fid", "alignment_miou", "kid"])
def test_parts_are_named_and_add_up_and_what_was_not_measured_is_unexplained(
    made: dict[str, Record], store: Path, metric: str
) -> None:
    found = told(made, "near", "far", store, metric=metric)
    values = {name: record.metrics[found.metric].value for name, record in made.items()}
    assert found.gap == pytest.approx(values["far"] - values["near"], abs=1e-12)
    assert sum(part.value for part in found.parts) == pytest.approx(found.gap, abs=1e-12)
    parts = {part.names: part for part in found.parts}
    assert parts.keys() == {("sample count",), ("rounding",), ("seed",)}
    assert parts["sample count",].value == pytest.approx(values["more"] - values["near"], abs=1e-12)
    assert parts["rounding",].value == pytest.approx(values["floor"] - values["near"], abs=1e-12)
    assert parts["rounding",].said == ("rounding: round -> truncate",)
    assert parts["seed",].kind == "unexplained" and found.unexplained == parts["seed",].value
    assert parts["seed",].said == ("seed: 0 -> 1", "and how it acts together with rounding")
    assert parts["sample count",].kind == "measured" and parts["rounding",].kind == "measured elsewhere"
    for part in (parts["sample count",], parts["rounding",], found.whole):
        assert part.low is not None and part.high is not None and part.low <= part.value <= part.high
    assert "paired" in parts["rounding",].how and "paired" not in parts["sample count",].how


def test_with_the_cell_that_was_missing_nothing_is_unexplained(made: dict[str, Record], store: Path) -> None:
    found = told(made, "near", "far", store, store.parent / "later")
    assert len(found.parts) == 3 and {part.kind for part in found.parts} == {"measured"}
    assert sum(part.value for part in found.parts) == pytest.approx(found.gap, abs=1e-12)
    back = told(made, "far", "near", store, store.parent / "later")
    assert back.gap == pytest.approx(-found.gap) and len(back.parts) == 3


def test_the_command_that_it_names_measures_what_was_missing(
    made: dict[str, Record], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the seed: the cell that has the near end's everything, but for the count that was told before."""
    (part,) = [part for part in told(made, "near", "far", store).parts if part.kind == "unexplained"]
    (remedy,) = part.remedies
    words = shlex.split(remedy.command)
    assert words[:2] == ["bench", "run"] and remedy.name == "seed"
    said = get_command(app).commands["run"].make_context("run", words[2:]).params  # type: ignore[attr-defined]
    assert (said["seeds"], said["limit"], said["protocol"]) == ("1", MANY, "harness")
    monkeypatch.chdir(tmp_path)
    api.run(**SYNTHESIS, limit=MANY, seeds=1, out=tmp_path / "new")
    found = told(made, "near", "far", store, tmp_path / "new")
    assert all(part.kind == "measured" for part in found.parts) and len(found.parts) == 3


def test_two_things_that_nothing_isolates_are_named_together_each_with_its_command(
    made: dict[str, Record], store: Path, bench: Any, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    for name in ("near", "far"):
        record = made[name]
        source = next(store.glob(f"digit-scenes/sis/*{record.key[:10]}"))
        target = alone / source.relative_to(store)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
    (alone / "protocols").symlink_to(store / "protocols")
    found = told(made, "near", "far", alone)
    (part,) = found.parts
    assert part.kind == "unexplained" and part.value == found.gap and part.low is not None
    assert set(part.names) == {"sample count", "rounding", "seed"}
    commands = {remedy.name: remedy.command for remedy in part.remedies}
    assert f"--limit {MANY}" in commands["sample count"] and "--seeds 1" in commands["seed"]
    assert "--protocol floor.toml" in commands["rounding"] and f"--limit {FEW}" in commands["rounding"]
    done = bench("gap", made["near"].key[:10], made["far"].key[:10], str(alone), "--json")
    assert json.loads(done.stdout)["unexplained"] == pytest.approx(found.gap), done.stderr


def test_readers_see_text_and_markdown(made: dict[str, Record], store: Path, bench: Any) -> None:
    ends = made["near"].key[:10], next(store.glob(f"digit-scenes/sis/*{made['far'].key[:10]}"))
    done = bench("gap", ends[0], str(ends[1]), str(store), COLUMNS="80")
    assert done.returncode == 0 and "unexplained" in done.stdout and "rounding: round -> truncate" in done.stdout
    md = bench("gap", ends[0], str(ends[1]), str(store), "--format", "md").stdout
    assert md.startswith("### ") and "| seed: 0 -> 1; and how it acts together with rounding |" in md
    (block,) = blocks(told(made, "near", "far", store))
    assert block.rows[-1][0] == "all of it"


def test_a_class_policy_is_measured_by_scoring_again(tmp_path: Path) -> None:
    """The same masks with and without the background, paired by image; a precision beside it is not told apart."""
    (tmp_path / "bare.toml").write_text('background = "ignored"\n')
    asked: dict[str, Any] = {"tasks": "ss", "methods": "unet", "limit": 60, "device": "cpu", "out": tmp_path / "s"}
    (near,) = api.run(**asked)
    (low,) = api.run(**asked, precision="bf16")
    api.rescore(tmp_path / "s", protocol=str(tmp_path / "bare.toml"), out=tmp_path / "b")
    bare = {cell.precision: cell for cell in map(read_record, (tmp_path / "b").glob("*/*/*/record.json"))}
    found = api.gap(near.key, bare["fp32"].key, tmp_path / "s", tmp_path / "b", metric="miou")
    (part,) = found.parts
    assert part.said == ("class policy: counted -> ignored",) and part.how == "paired by image"
    assert part.low is not None and part.high is not None and part.low <= part.value <= part.high
    assert part.value == pytest.approx(bare["fp32"].metrics["miou"].value - near.metrics["miou"].value)
    both = api.gap(near.key, bare["bf16"].key, tmp_path / "s", tmp_path / "b", metric="miou")
    assert {one.names for one in both.parts} == {("precision",), ("class policy",)} and both.unexplained == 0
    assert both.gap == pytest.approx(sum(one.value for one in both.parts))
    shutil.rmtree(tmp_path / "b" / bare["fp32"].cell.folder)
    shutil.rmtree(next((tmp_path / "s").glob(f"*/*/*{low.key[:10]}")))
    (rest,) = api.gap(near.key, bare["bf16"].key, tmp_path / "s", tmp_path / "b", metric="miou").parts
    commands = {remedy.name: remedy.command for remedy in rest.remedies}
    assert rest.kind == "unexplained" and commands.keys() == {"precision", "class policy"}
    assert commands["class policy"] == f"bench rescore {tmp_path / 's'} --protocol bare.toml"
    assert "--precision bf16" in commands["precision"]


def test_another_training_and_another_split_are_told_apart(bench: Any, tmp_path: Path) -> None:
    short = [word for field in ("steps=2", "warmup=1") for word in ("--set", f"schedule.{field}")]
    trained = bench("train", "-r", "digits/cnn", *short, "--out", "own")
    assert trained.returncode == 0, trained.stderr
    asked: dict[str, Any] = {"methods": "cnn", "tasks": "cls", "limit": 60, "device": "cpu", "out": tmp_path / "s"}
    (near,) = api.run(**asked)
    own = asked | {"checkpoint": str(tmp_path / "own")}
    (between,), (far,) = api.run(**own), api.run(**own, split="validation")
    found = api.gap(near.key, far.key, tmp_path / "s", metric="accuracy")
    parts = {part.names: part for part in found.parts}
    assert parts.keys() == {("training run",), ("split",)} and {p.kind for p in parts.values()} == {"measured"}
    values = [record.metrics["accuracy"].value for record in (near, between, far)]
    assert parts["training run",].value == pytest.approx(values[1] - values[0]) and values[1] < values[0] - 0.2
    assert parts["split",].value == pytest.approx(values[2] - values[1])
    assert parts["training run",].how == "paired by image" and "paired" not in parts["split",].how
    assert parts["split",].said == ("split: test -> validation",)


def test_of_a_paper_what_departs_is_listed_and_the_rest_unexplained(bench: Any, tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "tasks": "cls",
        "datasets": "two-spirals",
        "steps": 2,
        "device": "cpu",
        "out": tmp_path / "s",
    }
    (few,) = api.run(**asked, limit=50)
    found = api.gap(few.key, "published", tmp_path / "s")
    (last,) = found.parts
    assert last.kind == "unexplained" and "the first 50 samples alone" in last.said
    (whole,) = api.run(**asked)
    found = api.gap(few.key, "published", tmp_path / "s")
    count, last = found.parts
    assert count.names == ("sample count",) and count.kind == "measured" and count.low is not None
    assert last.value == pytest.approx(0.92 - whole.metrics["accuracy"].value) and last.kind == "unexplained"
    assert found.gap == pytest.approx(0.92 - few.metrics["accuracy"].value)
    back = api.gap("published", few.key, tmp_path / "s")
    assert back.gap == pytest.approx(-found.gap) and back.parts[0].kind == "unexplained"


def test_what_cannot_be_told_is_said(made: dict[str, Record], store: Path, bench: Any, tmp_path: Path) -> None:
    near = made["near"].key[:10]
    for words, said in (
        ((near, "0123"), "no record"),
        ((near, "published"), "no paper has a figure"),
        (("published", "published"), "name a cell"),
        ((near, made["far"].key, "--metric", "miou"), "--metric miou"),
        ((near, str(tmp_path)), "there is no record at"),
    ):
        done = bench("gap", *words[:2], str(store), *words[2:])
        assert (done.returncode, done.stdout) == (2, "") and said in done.stderr, done.stderr
    with pytest.raises(InputError):
        api.gap("", "", store)
    assert read_record(next(store.glob("digit-scenes/sis/*/record.json"))).status == "ok"


def test_two_methods_are_told_apart_by_no_command(tmp_path: Path) -> None:
    """Their weights go with them: a command for the one would be that of the other end."""
    asked: dict[str, Any] = {"tasks": "cls", "steps": 1, "limit": 20, "device": "cpu", "out": tmp_path}
    ours, theirs = api.run(methods=["symmflow", "cnn"], **asked)
    found = api.gap(ours.key, theirs.key, tmp_path)
    (part,) = found.parts
    assert {"method", "training run"} <= set(part.names) and part.kind == "unexplained"
    assert not {"method", "training run"} & {remedy.name for remedy in part.remedies}
    assert "Method and training run change together: no cell tells them apart." in found.notes


def test_the_paper_s_own_rules_come_before_what_else_departs() -> None:
    (figure,) = [p for p in of("ss", "celebamask-hq") if (p.method, p.metric, p.steps) == ("symmflow", "miou", 25)][:1]
    assert published._rules_of(figure) == "symmflow-official"
    (toy,) = [p for p in of("cls", "two-spirals") if p.steps == 2]
    assert published._rules_of(toy) == "harness"
