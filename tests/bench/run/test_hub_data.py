"""Training and evaluation on data sets of a hub on this machine, and on a folder of Parquet files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from symmbench.bench.records import read_stored

SIDE = 32
RECIPE = """
name = "pets/{method}"
method = "{method}"
dataset = "{dataset}"

[network]
kind = "{kind}"
channels = 8
{more}
[optimizer]
lr = 1e-3

[schedule]
kind = "constant"
steps = 2

[train]
batch = 2
"""


def encoded(array: np.ndarray) -> dict[str, Any]:
    whole = io.BytesIO()
    Image.fromarray(array).save(whole, "png")
    return {"bytes": whole.getvalue(), "path": None}


def content(count: int, seed: int, masks: bool) -> bytes:
    """A Parquet file of bright and dark images with their classes, or of halves with their masks."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(count):
        mask = np.full((SIDE, SIDE), number % 2, dtype=np.uint8)
        if masks:
            mask[:, SIDE // 2 :] = 1 - number % 2
        image = (mask[..., None] * 200 + rng.integers(0, 50, (SIDE, SIDE, 3))).astype(np.uint8)
        rows.append({"image": encoded(image), "label": encoded(mask) if masks else number % 2})
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=2)
    return sink.getvalue()


def files(masks: bool) -> dict[str, bytes]:
    return {
        "data/train-00000-of-00001.parquet": content(6, 0, masks),
        "data/test-00000-of-00001.parquet": content(4, 1, masks),
    }


def trained(bench: Any, tmp_path: Path, dataset: str, masks: bool) -> tuple[str, ...]:
    """The options of a run with a checkpoint that was trained on a data set for two steps."""
    method, more = ("unet", "multipliers = [1, 2]\nattention = []") if masks else ("cnn", "dropout = 0.1")
    recipe = RECIPE.format(method=method, kind=method, dataset=dataset, more=more)
    (tmp_path / "recipe.toml").write_text(recipe)
    done = bench("train", "-r", "recipe.toml", "--out", "trained", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    return "-m", method, "-t", "ss" if masks else "cls", "--checkpoint", "trained", "--device", "cpu"


@pytest.mark.parametrize("masks", [False, True], ids=["classes", "masks"])
def test_the_hub_and_a_folder_of_its_files_give_the_same(bench: Any, hub: Any, tmp_path: Path, masks: bool) -> None:
    hub.put("datasets/owner/pets", files(masks))
    run = trained(bench, tmp_path, "hf:owner/pets", masks)
    done = bench("run", *run, "-d", "hf:owner/pets", "--out", "of-hub")
    assert done.returncode == 0 and "evaluated 4 samples in 1 cells" in done.stderr, done.stderr
    assert not masks or "hf:owner/pets: grey values of the column label are class ids (0-1), 255 is void" in done.stderr
    (tmp_path / "copy").mkdir()
    for name, data in files(masks).items():
        (tmp_path / "copy" / Path(name).name).write_bytes(data)
    hub.close()
    again = bench("run", *run, "-d", "hf:owner/pets", "--out", "of-hub")
    assert again.returncode == 0 and "nothing to evaluate: all 1 cells are in of-hub" in " ".join(again.stderr.split())
    copied = bench("run", *run, "-d", "hf:owner/pets", "--data-root", "copy", "--out", "of-copy")
    assert copied.returncode == 0, copied.stderr
    (one,), (other,) = (read_stored([tmp_path / store]) for store in ("of-hub", "of-copy"))
    assert one.record.dataset == other.record.dataset == "hf:owner/pets" and one.record.key == other.record.key
    assert one.record.metrics == other.record.metrics and one.record.metrics
    made = bench("data", "prepare", "hf:copy", "--split", "test")
    assert made.returncode == 0 and "hf:copy test: 4 samples" in made.stdout, made.stderr
    whole = bench("data", "verify", "hf:copy")
    assert whole.returncode == 0 and "hf:copy train: 6 samples" in whole.stdout, (whole.stdout, whole.stderr)
    assert bench("data", "show", "hf:copy", "--split", "test", "-n", "2").returncode == 0


def test_from_a_checkout_beside_the_folder_called_datasets(hub: Any, repository: Path, tmp_path: Path) -> None:
    """Where the library of that name cannot be imported; the hub is named by the environment, as users name it."""
    hub.put("datasets/owner/pets", files(masks=True))
    done = subprocess.run(
        [sys.executable, "-m", "symmbench.bench", "data", "verify", "hf:owner/pets", "--json"],
        capture_output=True,
        text=True,
        cwd=repository,
        timeout=120,
        env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    assert [(one["split"], one["n"]) for one in json.loads(done.stdout)["splits"]] == [("test", 4), ("train", 6)]
    assert (tmp_path / "home" / "hub" / "datasets--owner--pets").is_dir()
