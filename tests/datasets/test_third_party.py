"""Data sets of other packages, through their entry points."""

from __future__ import annotations

import json
from typing import Any

CODE = """
import numpy as np
from symmbench.datasets import Card, Embedded

class Stripes(Embedded):
    card = Card(
        name="stripes", title="Stripes", tasks=("cls",), classes=("across", "down"), shape=(1, 8, 8),
        splits={"test": 6}, licence="MIT", source="here",
    )
    content = {"test": "CONTENT"}

    def ids(self, split):
        return tuple(f"stripe-{i}" for i in range(6))

    def arrays(self, split):
        labels = np.arange(6) % 2
        wave = np.arange(8, dtype=np.uint8) % 2 * np.uint8(255)
        across = np.broadcast_to(wave[:, None], (8, 8))
        return np.stack([across.T if label else across for label in labels])[:, None], labels

STRIPES = Stripes()
number = 7
"""
CONTENT = "ec2f1f3edc966a9557c072d4564aac8563aef55fd43f691bd0b2863330d8360d"
POINTS = {"stripes": "theirs:STRIPES", "seven": "theirs:number", "gone": "not_installed:X", "other": "theirs:STRIPES"}


def test_a_data_set_of_another_package(bench: Any, third_party: Any) -> None:
    third_party(CODE.replace("CONTENT", CONTENT), datasets={"stripes": "theirs:STRIPES"})
    done = bench("data", "verify", "stripes")
    assert done.returncode == 0 and "stripes test: 6 samples, ids " in done.stdout, done.stderr
    assert f"content {CONTENT[:16]}" in done.stdout
    (row,) = [r for r in json.loads(bench("list", "datasets", "--json").stdout) if r["data set"] == "stripes"]
    assert row["splits"] == ["test 6"] and row["licence"] == "MIT"
    asked = bench("run", "-m", "symmflow", "-t", "cls", "-d", "stripes")
    assert asked.returncode == 2 and "symmflow has no checkpoint for stripes" in asked.stderr


def test_a_data_set_that_is_not_what_it_is_known_as(bench: Any, third_party: Any) -> None:
    third_party(CODE.replace("CONTENT", "0" * 64), datasets={"stripes": "theirs:STRIPES"})
    done = bench("data", "verify", "stripes")
    assert done.returncode == 2 and "this machine makes other data of stripes test than is known" in done.stderr


def test_broken_ones_are_refused_alone(bench: Any, third_party: Any) -> None:
    third_party(CODE.replace("CONTENT", CONTENT), datasets=POINTS)
    for name, said in {
        "gone": "data set 'gone' (not_installed:X) cannot be imported: ModuleNotFoundError: No module named",
        "seven": "data set 'seven' (theirs:number) is of type int, no instance of DataSet; mend the package",
        "other": "data set 'other' (theirs:STRIPES) calls itself 'stripes'; mend the package",
    }.items():
        done = bench("data", "verify", name)
        assert done.returncode == 2 and said in " ".join(done.stderr.split()), done.stderr
    rows = {row["data set"]: row for row in json.loads(bench("list", "datasets", "--json").stdout)}
    assert {*POINTS, "digits", "mnist"} < {*rows} and "cannot be imported" in rows["gone"]["get"]
    listed = {row["method"]: row for row in json.loads(bench("list", "methods", "--json").stdout)}
    assert listed["symmflow"]["tasks"] == ["cls", "ss", "sis"]
