"""`bench compare --show`: one record on a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symmbench.bench import api
from symmbench.bench.records import read_record

RUN = ("run", "-t", "cls", "-d", "digits", "--steps", "1,5", "--limit", "60")


@pytest.fixture
def store(bench: Any, tmp_path: Path) -> Path:
    assert bench(*RUN).returncode == 0
    return tmp_path / "results"


def folders(store: Path) -> list[Path]:
    return sorted(path.parent for path in store.glob("*/*/*/record.json"))


def test_a_page_of_80_columns_says_what_the_record_says(bench: Any, store: Path) -> None:
    for folder in folders(store):
        record = read_record(folder / "record.json")
        done = bench("compare", "--show", record.key[:8], COLUMNS="80")
        assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 80
        rows = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line.strip()}
        assert rows["key"] == record.key and rows["status"] == "ok" and rows["steps"] == f"{record.steps}, euler"
        assert rows["name"] == "digits/cls@1" and rows["fingerprint"] == record.checkpoint.fingerprint[:16]
        share = record.metrics["accuracy"]
        assert share.low is not None and share.high is not None
        ours = f"{share.value * 100:.1f} [{share.low * 100:.1f}, {share.high * 100:.1f}]"
        assert rows["accuracy"] == f"↑ {ours} {share.covers}"
        assert rows["NFE"].startswith(f"{record.nfe:.4g} an image") and rows["created"] == record.created
        assert rows["evidence"] == record.evidence and rows["whole"] == "yes"
        assert (
            rows["samples"] == f"1 files, {(folder / record.evidence / 'samples-00000.parquet').stat().st_size:,} bytes"
        )
        assert all(name in done.stdout for name in record.absent)


def test_json_is_the_record_whole_by_key_or_folder(bench: Any, store: Path) -> None:
    folder = folders(store)[0]
    record = read_record(folder / "record.json")
    by_key = json.loads(bench("compare", "--show", record.key, "--json").stdout)
    assert by_key["record"] == json.loads((folder / "record.json").read_text())
    assert by_key["protocol"] == json.loads((store / "protocols" / f"{record.protocol['hash']}.json").read_text())
    assert by_key["whole"] is True and by_key["evidence"].keys() >= {"samples", "images"}
    by_folder = json.loads(bench("compare", "nowhere", "--show", str(folder), "--json").stdout)
    assert by_folder["record"] == by_key["record"] and Path(by_folder["folder"]) == folder
    page = bench("compare", "--show", record.key, "--format", "md").stdout
    assert f"| key | {record.key} |" in page and "### protocol" in page
    assert record.key in api.record(str(folder))._repr_html_()


def test_what_names_no_record_or_several_is_one_sentence(bench: Any, store: Path) -> None:
    keys = [read_record(folder / "record.json") for folder in folders(store)]
    several = bench("compare", "--show", keys[0].checkpoint.fingerprint[:12])
    assert several.returncode == 2 and several.stderr.startswith("error: 2 records begin with ")
    assert all(f"{one.key[:10]} (digits/cls symmflow steps={one.steps} seed=0)" in several.stderr for one in keys)
    for key in ("zz", ""):
        none = bench("compare", "--show", key)
        assert none.returncode == 2 and f"begins with {key!r}; `bench list runs` lists the keys." in none.stderr
    mixed = bench("compare", "--show", keys[0].key, "--task", "cls")
    assert mixed.returncode == 2 and "--show is of one record" in mixed.stderr


def test_a_failure_and_a_lost_protocol_are_said(bench: Any, results: Any) -> None:
    results.add("cnn", "cls", results.predictions(9), status="failed", reason="Traceback\nValueError: \x1b[31mno")
    shown = bench("compare", str(results.root), "--show", "0").stdout
    assert (
        r"failed: ValueError: \u001b[31mno" in shown and "copy the folder protocols/" in shown and "\x1b" not in shown
    )
