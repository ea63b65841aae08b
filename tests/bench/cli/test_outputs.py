"""The command line of outputs: written by one command, read by another, refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from symmbench.bench import api
from symmbench.symmflow.errors import InputError

SCENES = ("-t", "ss", "-d", "digit-scenes", "--limit", "6")


def test_what_sample_writes_run_reads(bench: Callable[..., Any], tmp_path: Path) -> None:
    made = bench("sample", "--all", "-m", "unet", *SCENES, "--out", "masks", "--device", "cpu")
    assert (made.returncode, made.stdout) == (0, "masks\n"), made.stderr
    files = sorted(path.name for path in (tmp_path / "masks").iterdir())
    assert files == ["about.json", *(f"test-0000{i}.png" for i in range(6))]
    assert json.loads((tmp_path / "masks" / "about.json").read_text())["method"] == "unet"
    run = ("run", "-m", "outputs:masks", *SCENES, "--name", "spade", "--device", "cpu", "--json")
    done = bench(*run)
    (found,) = json.loads(done.stdout)
    assert done.returncode == 0 and found["method"] == "outputs:spade" and found["cost"] is None
    (itself,) = api.run(
        methods="unet", tasks="ss", datasets="digit-scenes", limit=6, out=tmp_path / "own", device="cpu"
    )
    assert found["metrics"] == json.loads(itself.model_dump_json())["metrics"]
    assert "nothing to evaluate" in bench(*run[:-1]).stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("test-00003.png", b"", "test-00003.png cannot be read (it has 0 bytes)"),
        ("test-00003.png", np.full((32, 32), 11, np.uint8), "test-00003.png has class id 11"),
        ("test-00003.png", np.full((32, 32, 3), 9, np.uint8), "test-00003.png has the colour (9, 9, 9)"),
        ("test-00003.png", np.zeros((16, 32), np.uint8), "test-00003.png is 16x32, not 32x32"),
        ("test-00003.npy", np.zeros((32, 32), np.uint8), "two files of one stem, test-00003.npy and test-00003.png"),
        ("other.png", np.zeros((32, 32), np.uint8), "files of no sample: other.png"),
    ],
)
def test_a_bad_file_is_one_sentence(
    bench: Callable[..., Any], tmp_path: Path, name: str, content: Any, said: str
) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    for i in range(6):
        Image.fromarray(np.zeros((32, 32), np.uint8)).save(folder / f"test-0000{i}.png")
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    elif name.endswith("npy"):
        np.save(folder / name, content)
    else:
        Image.fromarray(content).save(folder / name)
    done = bench("run", "-m", "unet,outputs:masks", *SCENES, "--device", "cpu")
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and said in error and done.stderr.endswith(f"{error}\n") and not done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "-m", "outputs:nowhere", *SCENES), "there are no outputs at nowhere"),
        (("run", "-m", "outputs:nowhere"), "name what the outputs are: --task ss"),
        (("sample", "--all", "--count", "3"), "--count goes with a picture"),
        (("sample", "--samples-per-mask", "3"), "--samples-per-mask goes with --all"),
        (("check", "outputs:nowhere", "-d", "digits"), "there is nothing to check"),
        (("check", "outputs:nowhere"), "there is nothing to check"),
    ],
)
def test_what_cannot_be_asked(bench: Callable[..., Any], arguments: tuple[str, ...], said: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_outputs_are_not_trained() -> None:
    from symmbench import datasets, methods

    with pytest.raises(InputError, match="outputs are read, not trained"):
        methods.method("outputs").network(methods.recipe("digits/cnn"), datasets.card("digits"))


def test_a_method_that_breaks_is_named(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmbench.methods.discriminative import CNNClassifier

    def broken(self: object, images: object, sampling: object) -> object:
        raise RuntimeError("the network is on fire")

    monkeypatch.setattr(CNNClassifier, "classify", broken)
    done = bench("sample", "--all", "-m", "cnn", "-t", "cls", "--limit", "2", "--device", "cpu", "--out", "made")
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and error.startswith("error: cnn breaks with RuntimeError: the network is on fire")
