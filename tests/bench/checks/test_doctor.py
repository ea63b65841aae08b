"""`bench doctor` on a healthy installation and on a spoilt one."""

import json
from pathlib import Path
from typing import Any

import pytest

from symmbench import datasets
from symmbench.bench.checks import doctor


def test_a_healthy_installation(bench: Any) -> None:
    done = bench("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert {c["name"]: c["said"] for c in found["checks"] if c["ok"] is False} == {}
    assert sum(c["ok"] is True for c in found["checks"]) >= 13 and found["machine"]["torch"]


def test_spoilt_weights_are_found(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "names", lambda: ["digits"])  # the others were made above, and take a while
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "alexnet-owt-7be5be79.pth").write_bytes(b"something else")
    done = bench("doctor", SYMMBENCH_WEIGHTS=str(tmp_path / "weights"))
    assert done.returncode == 1 and "do not trust figures of this installation" in done.stderr
    assert "is not lpips-alex: its SHA-256 does not begin" in done.stdout


def test_data_that_is_made_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "names", lambda: ["digits", "mnist", "two-spirals"])
    (healthy,) = doctor._data()
    assert healthy.ok and healthy.said == "6 splits"  # of the two that are embedded
    monkeypatch.setitem(datasets.dataset("digits").content, "test", "0" * 64)  # type: ignore[attr-defined]
    (spoilt,) = doctor._data()
    assert spoilt.ok is False and "this machine makes other data of digits test" in spoilt.said
