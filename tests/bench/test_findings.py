"""The papers' claims on made-up evidence where the answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench import evidence
from symmbench.bench.findings import Finding, findings
from symmbench.bench.records import CheckpointFacts, Metric, Record

N = 120
IDS = [f"test-{i:05d}" for i in range(N)]


class Results:
    """A store of made-up cells."""

    def __init__(self, root: Path) -> None:
        self.root, self.stored = root, list[tuple[Record, Path]]()

    def add(self, method: str, task: str, tables: dict[str, pd.DataFrame], **facts: Any) -> None:
        number = len(self.stored)
        folder = self.root / str(number)
        main = {"cls": "predictions", "ss": "confusion", "sis": "samples"}[task]
        evidence.write_shard(folder, 0, main, evidence.Shard(tables, []))
        checkpoint = CheckpointFacts(name=method, sha256="", fingerprint=method, recipe=method, parameters=1)
        record = {
            "key": str(number),
            "status": "ok",
            "method": method,
            "checkpoint": checkpoint,
            "task": task,
            "dataset": "d",
            "split": "test",
            "steps": 25,
            "solver": "euler",
            "precision": "fp32",
            "seed": 0,
            "limit": None,
            "samples_per_mask": 1,
            "noise": "",
            "n": N,
            "nfe": 25,
            "protocol": {"name": "p", "hash": "h"},
        }
        self.stored.append((Record(**(record | facts)), folder))

    def only(self) -> Finding:
        (finding,) = findings(self.stored)
        return finding


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path)


def confusion(right: float, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Two classes, a hundred pixels an image, a share `right` of them right on average."""
    hits = np.random.default_rng(seed).binomial(100, right, size=N)
    rows = [(i, 1, p, c) for i, h in zip(IDS, hits, strict=True) for p, c in ((1, h), (0, 100 - h)) if c]
    rows += [(i, 0, 0, 100) for i in IDS]
    return {"confusion": pd.DataFrame(rows, columns=["id", "truth", "prediction", "pixels"])}


def segmented(results: Results, method: str, right: float, **facts: Any) -> None:
    details = {"iou_per_class": {"a": 0.0, "b": 0.0}}
    tables = confusion(right, seed=facts.get("seed", 0))
    results.add(method, "ss", tables, metrics={"miou": Metric(value=right)}, details=details, **facts)


@pytest.mark.parametrize(("dsm", "semflow", "verdict"), [(0.2, 0.78, "holds"), (0.78, 0.2, "does not hold")])
def test_collapse_at_few_steps(results: Results, dsm: float, semflow: float, verdict: str) -> None:
    for method, few in (("dsm", dsm), ("semflow", semflow)):
        segmented(results, method, few, steps=5)
        segmented(results, method, 0.8, steps=25)
    collapse, seeds = findings(results.stored)
    assert collapse.verdict == verdict and "SemFlow, Table 2" in collapse.source and len(collapse.keys) == 4
    assert seeds.verdict == "cannot be told" and "--seeds" in seeds.said


def test_seeds_change_dsm_alone(results: Results) -> None:
    for seed in (0, 1):
        segmented(results, "dsm", 0.5, seed=seed)
        results.add(
            "semflow", "ss", confusion(0.5), seed=seed,
            metrics={"miou": Metric(value=0.5)}, details={"iou_per_class": {"a": 0.0, "b": 0.0}},
        )  # fmt: skip
    seeds = findings(results.stored)[1]
    assert seeds.verdict == "holds" and "0.0 [0.0," in seeds.said


def predictions(right: int) -> dict[str, pd.DataFrame]:
    label = np.zeros(N, dtype=int)
    return {"predictions": pd.DataFrame({"id": IDS, "label": label, "prediction": (np.arange(N) >= right).astype(int)})}


@pytest.mark.parametrize(("ours", "verdict"), [(115, "holds"), (60, "does not hold"), (112, "cannot be told")])
def test_one_step_against_the_full_budget(results: Results, ours: int, verdict: str) -> None:
    accuracy = {"accuracy": Metric(value=ours / N)}
    results.add("symmflow", "cls", predictions(ours), steps=1, nfe=1, metrics=accuracy)
    results.add("symmflow", "cls", predictions(0), steps=25, metrics=accuracy)
    for nfe, right in ((25, 0), (2750, 114)):
        results.add(
            "diffusion-classifier", "cls", predictions(right), steps=nfe, nfe=nfe, solver=None,
            metrics={"accuracy": Metric(value=right / N)},
        )  # fmt: skip
    finding = results.only()
    assert finding.verdict == verdict and "2,750 evaluations" in finding.said


@pytest.mark.parametrize(("semflow", "verdict"), [(9.0, "holds"), (1.0, "does not hold"), (4.001, "cannot be told")])
def test_synthesis_is_compared_by_paired_jackknife(results: Results, semflow: float, verdict: str) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=20)
    for method, value in (("symmflow", 4.0), ("semflow", semflow)):
        own = noise + np.random.default_rng(1 if method == "semflow" else 2).normal(scale=0.002, size=20)
        results.add(
            method, "sis", {"samples": pd.DataFrame({"id": IDS})},
            metrics={"fid[x]": Metric(value=value, unit="distance", better="lower")},
            details={"jackknife": {"fid[x]": (value + own).tolist()}},
        )  # fmt: skip
    finding = results.only()
    assert finding.verdict == verdict and "fid[x] at 25 steps 4" in finding.said


def test_diversity_needs_two_samples_a_label(results: Results) -> None:
    def add(method: str, spread: float, samples: int) -> None:
        drawn = np.random.default_rng(0).normal(spread, 0.1, size=N)
        table = pd.DataFrame({"id": IDS, "draw": 0, "feature_diversity": drawn})
        metric = {"feature_diversity[x]": Metric(value=spread, unit="distance")}
        results.add(method, "sis", {"samples": table}, samples_per_mask=samples, metrics=metric, steps=5)

    add("semflow", 1.0, 1)
    add("semflow[unperturbed]", 0.2, 1)
    assert results.only().verdict == "cannot be told"
    add("semflow", 1.0, 2)
    add("semflow[unperturbed]", 0.2, 2)
    finding = results.only()
    assert finding.verdict == "holds" and "1 with, 0.2 without" in finding.said


def test_methods_that_were_not_run_make_no_finding(results: Results) -> None:
    segmented(results, "symmflow", 0.5)
    assert findings(results.stored) == []
