"""`bench doctor` on a healthy installation and on a spoilt one."""

import json
import os
from pathlib import Path


def test_a_healthy_installation(bench) -> None:  # type: ignore[no-untyped-def]
    done = bench("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert {c["name"]: c["said"] for c in found["checks"] if c["ok"] is False} == {}
    assert sum(c["ok"] is True for c in found["checks"]) >= 13 and found["machine"]["torch"]


def test_spoilt_weights_are_found(bench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "alexnet-owt-7be5be79.pth").write_bytes(b"something else")
    done = bench("doctor", env={**os.environ, "SYMMBENCH_WEIGHTS": str(tmp_path / "weights"), "COLUMNS": "200"})
    assert done.returncode == 1 and "do not trust figures of this installation" in done.stderr
    assert "is not lpips-alex: its SHA-256 does not begin" in done.stdout
