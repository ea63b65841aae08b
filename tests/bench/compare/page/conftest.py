"""A made-up store with everything that a page shows, names that would act if a page let them, and its page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench import api, metrics
from symmbench.bench.records import Cost, Stored

SCRIPT = "<script>alert(1)</script>"
CLASSES = ("background", SCRIPT)
ANSI = "\x1b[31mred\x1b[0m"
REASON = f'Traceback\n  File "\\input{{/etc/passwd}}"\nValueError: </script>{SCRIPT} {ANSI}'
FAST, SLOW, PLAIN = "fast=1+1", "slow & 'sure'", "plain"


def scored(cell: Stored) -> Stored:
    """The cell with every figure that its evidence gives."""
    record = cell.record
    found = {name: metrics.sample_of(name, cell) for name in ("accuracy", "brier", "ece", "miou", "mean_f1", "fw_iou")}
    able = {name: s for name, s in found.items() if hasattr(s, "ids") and record.task in metrics.metric(name).tasks}
    figures = {name: metrics.metric(name).figure(sample) for name, sample in able.items()}
    made = record.model_copy(update={"metrics": figures, "absent": {"top5": "2 classes are too few for a top-5"}})
    (cell.folder / "record.json").write_text(made.model_dump_json())
    return Stored(made, cell.folder)


def predicted(results: Any, right: int, seed: int) -> dict[str, pd.DataFrame]:
    """Two classes, `right` images right, each with a confidence above a half."""
    random = np.random.default_rng(seed)
    labels = np.arange(results.n) % 2
    said = np.where(np.arange(results.n) < right, labels, 1 - labels)
    sure = random.uniform(0.55, 1.0, results.n)
    scores = [[1 - p, p] if k else [p, 1 - p] for k, p in zip(said, sure, strict=True)]
    columns = {"id": results.ids, "label": labels, "prediction": said, "scores": scores, "scale": "probability"}
    return {"samples": pd.DataFrame(columns)}


@pytest.fixture
def predictions() -> Any:
    return predicted


@pytest.fixture(scope="session")
def store(results_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two step counts of two methods, a method without steps, a second seed, and a cell that failed."""
    results = results_in(tmp_path_factory.mktemp("store"))

    def facts(steps: int | None, nfe: int, task: str) -> dict[str, Any]:
        cost = Cost(images_per_second=100 / nfe, batch_size=8, device="cpu")
        details = {"classes": list(CLASSES), "ignored_classes": []} if task == "ss" else {}
        protocol = {"name": f"d/{task}@1", "hash": task}
        return {"steps": steps, "nfe": nfe, "cost": cost, "details": details, "protocol": protocol}

    for task in ("cls", "ss"):
        results.protocol(task, task=task, classes=CLASSES, masks=task == "ss", shape=(1, 8, 8))
    rights = {(FAST, 1): 96, (FAST, 5): 97, (SLOW, 1): 60, (SLOW, 5): 117}
    for (method, steps), right in rights.items():
        results.add(method, "cls", predicted(results, right, right), **facts(steps, steps, "cls"))
        results.add(method, "ss", results.confusion(right / 120, right), **facts(steps, steps, "ss"))
    results.add(FAST, "cls", predicted(results, 95, 1), seed=1, **facts(1, 1, "cls"))
    results.add(PLAIN, "cls", predicted(results, 90, 2), solver=None, **facts(None, 1, "cls"))
    for cell in results.cells:
        scored(cell)
    results.add(PLAIN, "ss", results.confusion(0.5), status="failed", reason=REASON, **facts(25, 25, "ss"))
    return results.root


@pytest.fixture(scope="session")
def page(store: Path) -> str:
    made = api.report(store, form="html").content
    assert isinstance(made, str)
    return made


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    return found
