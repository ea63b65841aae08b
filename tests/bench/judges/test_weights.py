"""Pretrained weights: fetched, verified, kept."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from symmbench.bench.judges import weights
from symmbench.symmflow.errors import InputError


def test_weights_are_fetched_verified_and_kept(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = served.files["/w.pth"] = b"some weights" * 1000
    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path / "kept"))
    digest, url = hashlib.sha256(content).hexdigest(), f"{served.url}/w.pth"
    for name, known in {"toy": digest, "short": digest[:8], "liar": "00"}.items():
        monkeypatch.setitem(weights.KNOWN, name, weights.Weights(name, f"{name}.pth", url, known, "nothing"))
    said: list[tuple[str, int, int]] = []
    path = weights.get("toy", lambda *now: said.append(now))
    assert path.read_bytes() == content and said[-1] == ("toy.pth", len(content), len(content))
    assert weights.get("toy") == path and len(served.asked) == 1
    assert weights.get("short").read_bytes() == content
    with pytest.raises(InputError, match=r"gives another file, not liar.pth .* put it at .*/kept/liar.pth"):
        weights.get("liar")
    assert not (tmp_path / "kept" / "liar.pth").exists()


def test_a_folder_of_weights_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"set \$SYMMBENCH_WEIGHTS to another folder"):
        weights.get("inception")
