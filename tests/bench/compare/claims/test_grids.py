"""What a claim rests on: the grid of timesteps, the trainings, and whether it could have come out otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench.compare.claims import Finding, block, findings
from symmbench.bench.records import CheckpointFacts, Figure
from symmbench.bench.records.evidence import mask_png

DETAILS: dict[str, Any] = {"classes": ["a", "b"], "ignored_classes": []}


def told(results: Any) -> dict[str, Finding]:
    return {f.claim: f for f in findings(results.cells)}


def segmented(results: Any, method: str, right: float, **facts: Any) -> None:
    facts.setdefault("solver", "ddim" if method == "dsm" else "euler")
    tables = results.confusion(right, seed=facts.get("seed", 0))
    results.add(method, "ss", tables, metrics={"miou": Figure(value=right)}, details=DETAILS, **facts)


def test_the_collapse_is_told_of_each_grid(results: Any) -> None:
    for steps, semflow in ((2, 0.78), (5, 0.79), (25, 0.8)):
        segmented(results, "semflow", semflow, steps=steps)
    for spacing, few in (("trailing", 0.76), ("leading", 0.2), ("linspace", 0.54)):
        chosen = {} if spacing == "trailing" else {"spacing": spacing}
        for steps, right in ((2, few), (5, 0.78), (25, 0.8)):
            segmented(results, "dsm", right, steps=steps, options={"spacing": spacing}, chosen=chosen)
    found = findings(results.cells)
    assert {f.grid.partition(";")[0]: f.verdict for f in found} == {
        "dsm: leading timesteps": "holds",
        "dsm: linspace timesteps": "cannot be told",
        "dsm: trailing timesteps": "does not hold",
    }
    assert all("mIoU at 2 / 5 / 25 steps" in f.said and "semflow: equal steps" in f.grid for f in found)
    assert all(f.could_fail and f.trainings == {"dsm": 1, "semflow": 1} and len(f.keys) == 6 for f in found)


def test_a_dsm_that_says_no_grid_has_the_default_one(results: Any) -> None:
    for options in ({}, {"spacing": "trailing"}):
        segmented(results, "dsm", 0.2, steps=2 if options else 25, options=options)
    for steps in (2, 25):
        segmented(results, "semflow", 0.8, steps=steps)
    assert len(findings(results.cells)) == 1


def masks(results: Any, method: str, seed: int, flipped: int, **facts: Any) -> None:
    """Masks of 10x10 pixels; with seed 1, `flipped` of the pixels of every image are of another class."""
    mask = np.zeros((10, 10), dtype=np.uint8)
    mask.flat[: flipped * seed] = 1
    tables = results.confusion(0.5) | {
        "samples": pd.DataFrame({"id": results.ids, "png": [mask_png(mask)] * results.n})
    }
    facts.setdefault("solver", "ddim" if method == "dsm" else "euler")
    results.add(method, "ss", tables, seed=seed, metrics={"miou": Figure(value=0.5)}, details=DETAILS, **facts)


@pytest.mark.parametrize(("flipped", "verdict"), [(4, "holds"), (0, "does not hold")])
@pytest.mark.parametrize(("method", "claim"), [("dsm", "DSM's masks"), ("symmflow", "SymmFlow's masks")])
def test_masks_change_with_the_seed_by_more_than_a_share_of_pixels(
    results: Any, method: str, claim: str, flipped: int, verdict: str
) -> None:
    for seed in (0, 1):
        masks(results, method, seed, flipped)
    finding = told(results)[f"{claim} change with the seed"]
    assert finding.verdict == verdict and finding.could_fail and finding.trainings == {method: 1}
    assert f"{flipped:.1f} [{flipped:.1f}, {flipped:.1f}] % of the pixels change at 25 steps" in finding.said


@pytest.mark.parametrize(("flipped", "verdict"), [(0, "by construction"), (1, "does not hold")])
def test_what_cannot_come_out_otherwise_is_by_construction_unless_it_does(
    results: Any, flipped: int, verdict: str
) -> None:
    for seed in (0, 1):
        masks(results, "semflow", seed, flipped)
    (finding,) = findings(results.cells)
    assert finding.verdict == verdict and not finding.could_fail
    assert ("draws nothing" in finding.said) == (verdict == "by construction")


def test_a_method_that_was_run_alone_with_one_seed_raises_no_question(results: Any) -> None:
    masks(results, "symmflow", 0, 0)
    masks(results, "semflow", 0, 0)
    masks(results, "dsm", 0, 0)
    assert [f.verdict for f in findings(results.cells)] == ["cannot be told"]  # the collapse, of two methods


def synthesized(results: Any, method: str, spread: float, fid: float, samples: int) -> None:
    drawn = np.full(results.n, spread)
    tables = {"samples": pd.DataFrame({"id": results.ids, "draw": 0, "feature_diversity": drawn})}
    noise = np.random.default_rng(0).normal(scale=0.01, size=20)
    facts: dict[str, Any] = {
        "metrics": {
            "fid[x]": Figure(value=fid, unit="distance", better="lower"),
            "feature_diversity[x]": Figure(value=spread, unit="distance"),
        },
        "details": {"jackknife": {"fid[x]": {"without": (fid + noise).tolist(), "second": []}}},
    }
    results.add(method, "sis", tables, samples_per_mask=samples, **facts)


@pytest.mark.parametrize(
    ("spread", "fid", "diversity", "worse"),
    [(0.0, 9.0, "by construction", "holds"), (0.1, 1.0, "does not hold", "does not hold")],
)
def test_without_perturbation_diversity_is_gone_for_certain_and_quality_is_asked(
    results: Any, spread: float, fid: float, diversity: str, worse: str
) -> None:
    synthesized(results, "semflow", 1.0, 4.0, 2)
    synthesized(results, "semflow[unperturbed]", spread, fid, 2)
    found = told(results)
    gone = found["SemFlow trained without perturbation has no diversity"]
    quality = found["SemFlow trained without perturbation synthesizes worse images"]
    assert (gone.verdict, gone.could_fail) == (diversity, False) and f"1 with, {spread:.3g} without" in gone.said
    assert (quality.verdict, quality.could_fail) == (worse, True)


def test_diversity_needs_two_samples_a_label(results: Any) -> None:
    for method in ("semflow", "semflow[unperturbed]"):
        synthesized(results, method, 0.0, 4.0, 1)
    gone = told(results)["SemFlow trained without perturbation has no diversity"]
    assert gone.verdict == "cannot be told" and "--samples-per-mask 2" in gone.said


def test_a_full_budget_follows_the_timesteps_of_the_classifier(results: Any) -> None:
    weights = CheckpointFacts(
        name="c", sha256="", fingerprint="c", recipe="c", parameters=1, options={"timesteps": 100}
    )
    for method, steps, more in (
        ("symmflow", 1, {}),
        ("diffusion-classifier", 550, {"solver": None, "checkpoint": weights}),
    ):
        results.add(
            method, "cls", results.predictions(100), dataset="digits", steps=steps, nfe=steps,
            metrics={"accuracy": Figure(value=100 / results.n)},
            details={"accuracy_per_class": {"0": 0.9, "1": 0.9}}, **more,
        )  # fmt: skip
    (finding,) = findings(results.cells)
    assert "at 550 evaluations" in finding.said and finding.keys == ("0", "1")
    assert finding.grid == "symmflow: equal steps; diffusion-classifier: timesteps spread evenly"


def test_the_table_names_grid_trainings_and_whether_it_could_fail(results: Any) -> None:
    for seed in (0, 1):
        masks(results, "dsm", seed, 4, options={"spacing": "trailing"})
        masks(results, "semflow", seed, 0)
    shown = block(findings(results.cells))
    rows = {row[0]: row for row in shown.rows}
    assert shown.headers[-3:] == ["grid", "trainings", "could fail"]
    assert rows["DSM's masks change with the seed"][-3:] == ["dsm: trailing timesteps", "one", "yes"]
    assert rows["SemFlow's masks do not change with the seed"][-3:] == ["semflow: equal steps", "one", "no"]
    assert any("One training each" in note for note in shown.notes)
