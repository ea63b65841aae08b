"""The papers' claims on made-up evidence where the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.compare.claims import Finding, findings
from symmbench.bench.records import Figure

N = 120
IDS = [f"test-{i:05d}" for i in range(N)]
DIGITS: dict[str, Any] = {"dataset": "digits", "details": {"accuracy_per_class": {"0": 0.9, "1": 0.9}}}
"""Ten classes, of which two were met."""


def only(results: Any) -> Finding:
    (finding,) = findings(results.cells)
    return finding


def segmented(results: Any, method: str, right: float, **facts: Any) -> None:
    details = {"classes": ["a", "b"], "ignored_classes": []}
    tables = results.confusion(right, seed=facts.get("seed", 0))
    facts.setdefault("solver", "ddim" if method == "dsm" else "euler")
    results.add(method, "ss", tables, metrics={"miou": Figure(value=right)}, details=details, **facts)


@pytest.mark.parametrize(
    ("dsm", "semflow", "verdict"),
    [(0.2, 0.78, "holds"), (0.78, 0.2, "does not hold"), (0.7, 0.78, "does not hold"), (0.1, 0.2, "does not hold")],
)
def test_collapse_at_few_steps(results: Any, dsm: float, semflow: float, verdict: str) -> None:
    for method, few in (("dsm", dsm), ("semflow", semflow)):
        segmented(results, method, few, steps=5)
        segmented(results, method, 0.8, steps=25)
    collapse = only(results)
    assert collapse.verdict == verdict and "SemFlow, Table 2" in collapse.source and len(collapse.keys) == 4


def classified(results: Any, method: str, right: int, steps: int, **facts: Any) -> None:
    facts |= DIGITS | ({"solver": None} if method == "diffusion-classifier" else {})
    accuracy = {"accuracy": Figure(value=right / N)}
    results.add(method, "cls", results.predictions(right), steps=steps, nfe=steps, metrics=accuracy, **facts)


@pytest.mark.parametrize(("ours", "verdict"), [(115, "holds"), (60, "does not hold"), (112, "cannot be told")])
def test_one_step_against_the_full_budget(results: Any, ours: int, verdict: str) -> None:
    for method, steps, right in (("symmflow", 1, ours), ("symmflow", 25, 0)):
        classified(results, method, right, steps)
    for budget, right in ((25, 0), (2750, 114)):
        classified(results, "diffusion-classifier", right, budget)
    finding = only(results)
    assert finding.verdict == verdict and "2,750 evaluations" in finding.said
    results.cells.pop()
    assert only(results).verdict == "cannot be told" and "--steps 2750" in only(results).said


def test_values_and_difference_are_of_the_same_cells(results: Any) -> None:
    for seed, right in ((0, 114), (1, 60)):  # the classifier has seed 0 alone
        classified(results, "symmflow", right, 1, seed=seed)
    for budget, right in ((5500, 60), (2750, 114)):
        classified(results, "diffusion-classifier", right, budget)
    finding = only(results)
    assert "accuracy 95.0% at one step, 95.0% at 2,750 evaluations: +0.0 [" in finding.said
    assert finding.keys == ("0", "3")


def distances(value: float) -> dict[str, Any]:
    """What a record of a synthesis says, the values without a group lying close about it."""
    noise = np.random.default_rng(0).normal(scale=0.01, size=20)
    return {
        "metrics": {"fid[x]": Figure(value=value, unit="distance", better="lower")},
        "details": {"jackknife": {"fid[x]": {"without": (value + noise).tolist(), "second": []}}},
    }


def test_every_data_set_has_its_finding_from_a_protocol_that_can_tell(results: Any) -> None:
    samples = {"samples": pd.DataFrame({"id": IDS})}
    for method, value in (("symmflow", 4.0), ("fm", 1.0)):
        results.add(method, "sis", samples, **distances(value))
        results.add(method, "sis", samples, dataset="e", **distances(5 - value))
        results.add(method, "sis", samples, steps=1, n=1000, protocol={"name": "p", "hash": "all"}, **distances(9.0))
        results.add(method, "sis", samples, steps=1, dataset="f", **distances(value))
    told = {f.said[:1]: f for f in findings(results.cells)}
    assert {where: f.verdict for where, f in told.items()} == {
        "d": "holds", "e": "does not hold", "f": "cannot be told",
    }  # fmt: skip
    assert "4 for symmflow: symmflow - fm = +3 [" in told["d"].said and "run both at 25 steps" in told["f"].said


@pytest.mark.parametrize(("semflow", "verdict"), [(9.0, "holds"), (1.0, "does not hold"), (4.001, "cannot be told")])
def test_synthesis_is_compared_by_paired_jackknife(results: Any, semflow: float, verdict: str) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=20)
    for method, value in (("symmflow", 4.0), ("semflow", semflow)):
        own = noise + np.random.default_rng(1 if method == "semflow" else 2).normal(scale=0.002, size=20)
        results.add(
            method, "sis", {"samples": pd.DataFrame({"id": IDS})},
            metrics={"fid[x]": Figure(value=value, unit="distance", better="lower")},
            details={"jackknife": {"fid[x]": {"without": (value + own).tolist(), "second": []}}},
        )  # fmt: skip
    finding = only(results)
    assert finding.verdict == verdict and "fid[x] at 25 steps 4" in finding.said


def test_methods_that_were_not_run_make_no_finding(results: Any) -> None:
    segmented(results, "symmflow", 0.5)
    segmented(results, "not-installed", 0.5)
    assert findings(results.cells) == []


def test_only_ordinary_cells_of_one_protocol_are_compared(results: Any) -> None:
    def synthesized(method: str, value: float, **facts: Any) -> None:
        results.add(method, "sis", {"samples": pd.DataFrame({"id": IDS})}, **distances(value), **facts)

    synthesized("semflow", 90.0, options={"beta": 30.0})  # another perturbation
    synthesized("semflow", 80.0, precision="bf16")
    synthesized("semflow", 70.0, solver="rk4")
    synthesized("semflow", 3.0, options={"beta": None})
    synthesized("symmflow", 4.0)
    synthesized("symmflow", 1.0, n=1000, protocol={"name": "p", "hash": "larger"})  # semflow was not run there
    finding = only(results)
    assert finding.verdict == "does not hold" and "4 for symmflow, 3 for semflow" in finding.said
