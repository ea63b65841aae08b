"""What decides what a model of mmsegmentation does belongs to its fingerprint; nothing is run to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from symmbench import methods
from symmbench.methods import mmseg
from symmbench.methods.parts.mmseg_config import config_files, config_path
from symmbench.symmflow.errors import InputError

pytest.importorskip(
    "mmcv", reason="mmsegmentation is not installed (pip install 'symmbench[mmseg]')", exc_type=ImportError
)
CONFIG = "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py"
CHANGED = "scale = 2\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of one's own that inherits in every way there is."""
    texts = {
        "configs/own.py": (
            "from mmengine.config import read_base\n_base_ = ['./near.py', '../base/far.py']\n"
            "with read_base():\n    from ..base.lazy import *\n    from ..base import other\nraise SystemExit('run')\n"
        ),
        "configs/near.py": "_base_ = '../base/root.json'\n",
        "base/far.py": f"_base_ = 'mmseg::{CONFIG}'\n",
        "base/root.json": '{"_base_": []}\n',
        "base/lazy.py": "model = dict()\n",
        "base/other.py": "model = dict()\n",
        "base/unasked.py": "model = dict()\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "w.pth").write_bytes(b"weights")
    return tmp_path / "configs" / "own.py"


def fingerprint(config: Path | str, weights: Path) -> str:
    return methods.checkpoint(f"mmseg:{config}", "digit-scenes", str(weights), trust=True).fingerprint


def test_all_that_a_config_inherits_from_is_found_without_running_it(config: Path) -> None:
    names = [path.name for path in config_files(config)]
    assert names[0] == "own.py" and len(names) == len(set(names))
    assert {"near.py", "far.py", "root.json", "lazy.py", "other.py", Path(CONFIG).name, "segformer_mit-b0.py"} <= set(
        names
    )
    assert "unasked.py" not in names


@pytest.mark.parametrize("name", ["configs/own.py", "configs/near.py", "base/far.py", "base/root.json", "base/lazy.py"])
def test_a_change_in_what_it_inherits_from_is_another_checkpoint(config: Path, name: str) -> None:
    root, weights = config.parents[1], config.parents[1] / "w.pth"
    before = fingerprint(config, weights)
    (root / "base" / "unasked.py").write_text(CHANGED)
    assert fingerprint(config, weights) == before
    text = (root / name).read_text()
    (root / name).write_text(text + (" " if name.endswith("json") else CHANGED))
    assert fingerprint(config, weights) != before


def test_so_are_other_weights_and_another_version_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"weights")
    before = fingerprint(CONFIG, weights)
    assert before == fingerprint(config_path(CONFIG), weights)
    weights.write_bytes(b"others")
    other = fingerprint(CONFIG, weights)
    monkeypatch.setattr(mmseg, "package_version", lambda: "onedl-mmsegmentation 99.0")
    assert len({before, other, fingerprint(CONFIG, weights)}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("_base_ = ['./nowhere.py']\n", r"nowhere\.py cannot be read \(No such file"),
        ("_base_ = [name + '.py' for name in 'ab']\n", "what it inherits from cannot be told"),
        ("_base_ = 'mmdetection9::x.py'\n", "inherits from one of mmdetection9, which is not installed"),
        ("_base_ = [\n", "what it inherits from cannot be told"),
    ],
)
def test_what_cannot_be_told_is_said(config: Path, text: str, said: str) -> None:
    config.write_text(text)
    with pytest.raises(InputError, match=said):
        fingerprint(config, config.parents[1] / "w.pth")
