"""Made-up cells with evidence, for tests of what is computed from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.code import Installed
from symmbench.bench.compare.tables import Table, tables
from symmbench.bench.protocols import Protocol, rules
from symmbench.bench.records import CheckpointFacts, Cost, Figure, Record, Shard, Stored, write_shard
from symmbench.bench.records.evidence import mask_png

N = 120
NOTHING = Installed().code(())
"""The code of made-up figures: what is installed is never another."""
IDS = [f"test-{i:05d}" for i in range(N)]


class Results:
    """A store of made-up cells."""

    ids, n = IDS, N

    def __init__(self, root: Path) -> None:
        self.root, self.cells = root, list[Stored]()

    def add(self, method: str, task: str, tables: dict[str, pd.DataFrame], **facts: Any) -> None:
        number = len(self.cells)
        folder = self.root / "d" / task / str(number)
        write_shard(folder / "evidence", 0, Shard(tables, []))
        record = {
            "key": str(number),
            "status": "ok",
            "method": method,
            "checkpoint": CheckpointFacts(name=method, sha256="", fingerprint=method, recipe=method, parameters=1),
            "task": task,
            "dataset": "d",
            "split": "test",
            "steps": 25,
            "solver": "euler",
            "noise": "n",
            "n": N,
            "nfe": 25,
            "protocol": {"name": "p", "hash": "h"},
            "outputs": NOTHING,
            "scoring": NOTHING,
        }
        made = Record(**(record | facts))
        (folder / "record.json").write_text(made.model_dump_json())
        self.cells.append(Stored(made, folder))

    def classifier(self, method: str, right: int, nfe: int, **facts: Any) -> None:
        """A cell of `cls` with `right` images right, at a speed that goes with `nfe`."""
        cost = Cost(images_per_second=100 / nfe, batch_size=8, device="cpu")
        metrics = {"accuracy": Figure(value=right / N)}
        self.add(method, "cls", self.predictions(right), steps=nfe, nfe=nfe, cost=cost, metrics=metrics, **facts)

    @property
    def table(self) -> Table:
        """The only table of the cells."""
        (found,) = tables(self.cells)
        return found

    def protocol(self, name: str, **changes: Any) -> None:
        """Lay a protocol beside the records, under a made-up hash."""
        facts = {"version": 1, "task": "cls", "dataset": "d", "split": "test", "n": N, "ids_sha256": "", "masks": False}
        nothing = {"content_sha256": "", "classes": (), "shape": (), "policy": {}, "judges": {}, "metrics": {}}
        made = Protocol(**({"name": name, "rules": rules("harness")} | facts | nothing | changes))
        (self.root / "protocols").mkdir(exist_ok=True)
        (self.root / "protocols" / f"{name}.json").write_text(made.model_dump_json())

    def predictions(self, right: int, flipped: int = 0) -> dict[str, pd.DataFrame]:
        """The first `right` images right, but for the first `flipped`."""
        wrong = np.arange(N) >= right
        wrong[:flipped] = ~wrong[:flipped]
        labels = np.zeros(N, dtype=int)
        columns = {"id": IDS, "label": labels, "prediction": wrong.astype(int), "scale": "logit"}
        return {"samples": pd.DataFrame(columns)}

    def confusion(self, right: float, seed: int = 0) -> dict[str, pd.DataFrame]:
        """Two classes, a hundred pixels an image of each; of the second a share `right` is right on average."""
        hits = np.random.default_rng(seed).binomial(100, right, size=N)
        rows = [(i, 1, p, c) for i, h in zip(IDS, hits, strict=True) for p, c in ((1, h), (0, 100 - h)) if c]
        rows += [(i, 0, 0, 100) for i in IDS]
        masks = [mask_png((np.arange(100) < h).astype(np.uint8).reshape(10, 10)) for h in hits]
        return {
            "confusion": pd.DataFrame(rows, columns=["id", "truth", "prediction", "pixels"]),
            "samples": pd.DataFrame({"id": IDS, "png": masks}),
        }


@pytest.fixture(scope="session")
def results_in() -> type[Results]:
    """For a store that several tests read."""
    return Results


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path)
