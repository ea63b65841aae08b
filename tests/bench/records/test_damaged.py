"""Stores that are damaged, edited or foreign: one sentence, exit code 2, and the other records are still there."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from symmbench.bench import api
from symmbench.symmflow.errors import InputError, Note


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cells of two-spirals and one of scenes; not to change."""
    out = tmp_path_factory.mktemp("made") / "results"
    api.run(tasks="cls", datasets="two-spirals", steps=[1, 2], limit=20, out=out)
    api.run(methods="unet", tasks="ss", limit=4, out=out)
    return out


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


def edited(**changes: Any) -> Callable[[Path], None]:
    """Change values of a JSON file; a dotted key is of a table inside."""

    def edit(file: Path) -> None:
        values = json.loads(file.read_text())
        for key, value in changes.items():
            *tables, last = key.split("__")
            inside = values
            for table in tables:
                inside = inside[table]
            inside[last] = value
        file.write_text(json.dumps(values))

    return edit


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "cut": lambda f: f.write_bytes(f.read_bytes()[:200]),
    "empty": lambda f: f.write_bytes(b""),
    "binary": lambda f: f.write_bytes(bytes(range(256))),
    "a list": lambda f: f.write_text("[1, 2]"),
    "deep": lambda f: f.write_text("[" * 100_000),
    "long integer": lambda f: f.write_text(f'{{"key": {"9" * 5000}}}'),
    "large": lambda f: f.write_bytes(b" " * (65 * 2**20)),
    "a folder": lambda f: (f.unlink(), f.mkdir()),
    "no protocol": edited(protocol={}),
    "a path as a hash": edited(protocol__hash="../../etc"),
    "a path as evidence": edited(evidence="../other"),
    "a negative number of images": edited(n=-1),
    "too many images": edited(n=10**12),
    "an interval beside its figure": edited(metrics={"accuracy": {"value": 0.5, "low": 0.9, "high": 0.1}}),
    "details of another shape": edited(details={"jackknife": ["fid"]}),
    "packages of another shape": edited(provenance={"packages": 3}),
    "a later version": edited(schema_version=99),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_unreadable_record_is_named_and_hides_no_other(bench: Any, store: Path, damage: str) -> None:
    record = next(store.glob("two-spirals/cls/*steps1*/record.json"))
    DAMAGE[damage](record)
    compared = bench("compare", "--json")
    assert compared.returncode == 0 and '"steps": 2' in compared.stdout
    lines = compared.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("note: ") and "record.json" in lines[0], lines
    assert lines[0].endswith("it is left out.")
    listed = json.loads(bench("list", "runs", "--json").stdout)
    assert [row["status"] for row in listed] == ["ok", "ok", "unreadable"]
    saved = bench("baseline", "save", "b.zip")
    assert saved.returncode == 2 and saved.stderr.count("\n") == 1 and "record.json" in saved.stderr
    assert not (store.parent / "b.zip").exists()


def test_a_store_without_any_readable_record_says_so(bench: Any, store: Path) -> None:
    for record in store.glob("*/*/*/record.json"):
        record.write_text("{")
    done = bench("compare")
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: there are no records in results")


def test_an_unreadable_record_is_made_again_by_a_run(store: Path) -> None:
    record = next(store.glob("two-spirals/cls/*steps1*/record.json"))
    before = api.load(store)
    record.write_text("{}")
    with pytest.warns(Note, match="record.json is not a record of this symmbench"):
        outcome = api.run(tasks="cls", datasets="two-spirals", steps=[1, 2], limit=20, out=store)
    assert outcome.evaluated == 0 and outcome.reused == 1
    pd.testing.assert_frame_equal(
        api.load(store).drop(columns=["created"]), before.drop(columns=["created"]), check_like=True
    )


EVIDENCE: dict[str, Callable[[Path], Any]] = {
    "cut": lambda f: f.write_bytes(f.read_bytes()[:-100]),
    "foreign": lambda f: f.write_bytes(b"PAR1" * 100),
    "other columns": lambda f: pd.DataFrame({"a": [1]}).to_parquet(f),
    "other types": lambda f: pd.read_parquet(f).assign(id=range(len(pd.read_parquet(f)))).to_parquet(f),
    "no ids": lambda f: (
        pd.read_parquet(f).assign(id=pd.array([None] * len(pd.read_parquet(f)), "string")).to_parquet(f)
    ),
}


@pytest.mark.parametrize("damage", EVIDENCE)
def test_damaged_evidence_is_named_and_can_be_made_again(bench: Any, store: Path, damage: str) -> None:
    (file,) = store.glob("two-spirals/cls/*steps1*/evidence-*/samples-00000.parquet")
    EVIDENCE[damage](file)
    scored = bench("rescore")
    assert scored.returncode == 2 and "2 the same, 1 not possible" in scored.stdout and file.name in scored.stdout
    saved = bench("baseline", "save", "b.zip")
    assert saved.returncode == 2 and saved.stderr.count("\n") == 1 and file.name in saved.stderr
    file.unlink()
    outcome = api.run(tasks="cls", datasets="two-spirals", steps=[1, 2], limit=20, out=store)
    assert outcome.evaluated == 20 and outcome.reused == 1
    assert bench("baseline", "save", "b.zip").returncode == 0 and "3 the same" in bench("rescore").stdout


@pytest.mark.parametrize("lost", ["all", "samples-00000.parquet", "timing-00000.json"])
def test_a_record_without_its_evidence_is_not_finished(bench: Any, store: Path, lost: str) -> None:
    (folder,) = store.glob("two-spirals/cls/*steps1*/evidence-*")
    shutil.rmtree(folder) if lost == "all" else (folder / lost).write_bytes(b"")
    rows = json.loads(bench("list", "runs", "--json").stdout)
    assert sorted(row["status"] for row in rows) == ["ok", "ok", "unfinished"]
    saved = bench("baseline", "save", "b.zip")
    assert saved.returncode == 2 and "is not whole; `bench run` makes what is missing" in saved.stderr
    assert api.run(tasks="cls", datasets="two-spirals", steps=[1, 2], limit=20, out=store).evaluated == 20
    assert bench("baseline", "save", "b.zip").returncode == 0


def test_a_cut_evaluation_is_listed(bench: Any, tmp_path: Path) -> None:
    from symmbench.bench.run.plan import plan
    from symmbench.bench.run.request import Request
    from symmbench.bench.run.sweep import Progress, sweep

    class Cut(Progress):
        def advance(self, images: int) -> None:
            raise KeyboardInterrupt

    asked = Request(tasks=["cls"], datasets=["two-spirals"], steps=[4], limit=20, out=tmp_path / "results")
    with pytest.raises(KeyboardInterrupt):
        sweep(plan(asked), asked, Cut())
    (row,) = json.loads(bench("list", "runs", "--json").stdout)
    assert (row["status"], row["method"], row["steps"]) == ("unfinished", "symmflow", 4)


@pytest.mark.parametrize("change", [{"n": 21}, {"rules": {}}, {"split": 3}])
def test_an_edited_protocol_is_refused(store: Path, change: dict[str, Any]) -> None:
    for file in store.glob("protocols/*.json"):
        edited(**change)(file)
    with pytest.raises(InputError, match=r"(has been edited|is not a protocol of this symmbench).*run its cells again"):
        api.rescore(store)


@pytest.mark.parametrize("member", ["record.json", "samples/accuracy.parquet"])
def test_a_damaged_baseline_is_refused(bench: Any, store: Path, member: str) -> None:
    assert bench("baseline", "save", "b.zip").returncode == 0
    with zipfile.ZipFile(store.parent / "b.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert any(name.endswith(member) for name in content)
    with zipfile.ZipFile(store.parent / "b.zip", "w") as archive:
        for name, held in content.items():
            archive.writestr(name, held[:50] if name.endswith(member) else held)
    api.run(tasks="cls", datasets="two-spirals", steps=[1, 2], limit=20, out=store, force=True)
    done = bench("gate", "b.zip")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and Path(member).name in done.stderr, done.stderr
