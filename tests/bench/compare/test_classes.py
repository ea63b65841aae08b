"""Every class by itself, and the means over classes, against counts by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symmbench.bench import api, metrics
from symmbench.bench.compare import classes
from symmbench.bench.metrics import Subject
from symmbench.bench.metrics.segmentation import FEW_IN_ALL
from symmbench.bench.records import Evidence, Missing, Shard, write_shard
from symmbench.symmflow.errors import InputError

CLASSES = ("background", "skin", "hair", "hat")
BY_HAND = [("a", 0, 0, 50), ("a", 0, 1, 10), ("a", 1, 1, 30), ("a", 1, 2, 10), ("b", 2, 2, 20), ("b", 2, 0, 5)]
"""id, truth, prediction, pixels. Background 60 pixels, 50 right, 55 predicted; skin 40, 30, 40; hair 25, 20, 30."""


def evidence(folder: Path, rows: list[tuple[str, int, int, int]]) -> Evidence:
    counts = pd.DataFrame(rows, columns=["id", "truth", "prediction", "pixels"])
    ids = sorted(set(counts["id"]))
    write_shard(folder, 0, Shard({"confusion": counts, "samples": pd.DataFrame({"id": ids})}, []))
    return Evidence(folder, 1)


def value(name: str, found: Evidence, **subject: Any) -> float | str:
    sample = metrics.metric(name).of(found, Subject(CLASSES, True, **subject))
    return str(sample) if isinstance(sample, Missing) else sample.value


def test_means_over_classes_by_hand(tmp_path: Path) -> None:
    found = evidence(tmp_path, BY_HAND)
    f1 = {"background": 2 * 50 / (60 + 55), "skin": 2 * 30 / (40 + 40), "hair": 2 * 20 / (25 + 30)}
    iou = {"background": 50 / 65, "skin": 30 / 50, "hair": 20 / 35}
    assert value("mean_f1", found) == pytest.approx((f1["skin"] + f1["hair"]) / 2)  # no hat in the truth
    assert value("mean_accuracy", found) == pytest.approx((50 / 60 + 30 / 40 + 20 / 25) / 3)
    assert value("fw_iou", found) == pytest.approx((60 * iou["background"] + 40 * iou["skin"] + 25 * iou["hair"]) / 125)
    without = {"ignored": ("background",)}  # its pixels count for nothing, also where they are taken for skin
    assert value("mean_f1", found, **without) == pytest.approx((2 * 30 / (40 + 30) + f1["hair"]) / 2)
    assert value("fw_iou", found, **without) == pytest.approx((40 * 30 / 40 + 25 * 20 / 35) / 65)


def test_a_truth_of_background_alone_has_no_foreground(tmp_path: Path) -> None:
    found = evidence(tmp_path, [("a", 0, 0, 5), ("a", 0, 1, 5)])
    assert value("mean_f1", found) == "the truth has no class but background"
    assert value("mean_accuracy", found) == 0.5


def test_the_metrics_equal_sklearn_and_keep_what_a_baseline_needs(tmp_path: Path) -> None:
    from sklearn.metrics import f1_score, jaccard_score, recall_score

    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 4, 3000), random.integers(0, 4, 3000)
    predicted = np.where(random.random(3000) < 0.6, truth, predicted)
    rows = [
        (f"i{n % 60:02d}", t, p, 1) for n, (t, p) in enumerate(zip(truth.tolist(), predicted.tolist(), strict=True))
    ]
    found = evidence(tmp_path, rows)
    assert value("mean_f1", found) == pytest.approx(f1_score(truth, predicted, labels=[1, 2, 3], average="macro"))
    assert value("mean_accuracy", found) == pytest.approx(recall_score(truth, predicted, average="macro"))
    assert value("fw_iou", found) == pytest.approx(jaccard_score(truth, predicted, average="weighted"))
    for name in ("mean_f1", "mean_accuracy", "fw_iou"):
        metric = metrics.metric(name)
        sample = metric.of(found, Subject(CLASSES, True))
        assert not isinstance(sample, Missing)
        figure = metric.figure(sample)
        assert figure.low is not None and figure.high is not None and figure.low < figure.value < figure.high
        again = metric.kind.read(sample.frame())
        assert again.value == pytest.approx(sample.value) and again.ids == sample.ids


def test_few_images_have_no_interval(tmp_path: Path) -> None:
    sample = metrics.metric("fw_iou").of(evidence(tmp_path, BY_HAND), Subject(CLASSES, True))
    assert not isinstance(sample, Missing)
    assert sample.interval(True).covers == FEW_IN_ALL and sample.interval(True).low == -np.inf


DETAILS = {"classes": ["background", "digit"], "ignored_classes": []}


def test_a_block_of_classes_for_every_table(results: Any) -> None:
    from symmbench.bench.records import Figure

    facts = {"details": DETAILS, "metrics": {"miou": Figure(value=0.5)}}
    results.add("ours", "ss", results.confusion(0.8), **facts)
    results.add("ours", "ss", results.confusion(0.8, seed=1), seed=1, **facts)
    results.add("theirs", "ss", results.confusion(0.5, seed=2), steps=None, solver=None, **facts)
    (block,) = classes.blocks([results.table])
    assert [row[0] for row in block.rows] == ["background"] * 2 + ["digit"] * 2
    told = {(one["class"] if "class" in one else one["name"], one["row"]): one for one in block.data}
    areas = [results.confusion(0.8, seed)["confusion"] for seed in (0, 1)]
    hits = [frame.query("truth == 1 and prediction == 1")["pixels"].sum() for frame in areas]
    digit = told["digit", "ours@25"]
    assert digit["iou"]["value"] == pytest.approx(np.mean([hit / 12000 for hit in hits]))  # 100 pixels in 120 images
    assert digit["f1"]["value"] == pytest.approx(np.mean([2 * hit / (12000 + hit) for hit in hits]))
    assert digit["accuracy"]["value"] == pytest.approx(np.mean(hits) / 12000)
    assert digit["images"] == 120 and digit["share"] == 0.5
    assert digit["iou"]["low"] < digit["iou"]["value"] < digit["iou"]["high"]
    background = told["background", "theirs"]
    missed = 12000 - results.confusion(0.5, seed=2)["confusion"].query("truth == 1 and prediction == 1")["pixels"].sum()
    assert background["iou"]["value"] == pytest.approx(12000 / (12000 + missed))
    assert background["accuracy"]["value"] == 1


def test_classes_that_are_ignored_or_absent_are_said(results: Any) -> None:
    from symmbench.bench.records import Figure

    details = {"classes": ["background", "digit", "hat"], "ignored_classes": ["background"]}
    results.add("ours", "ss", results.confusion(0.8), details=details, metrics={"miou": Figure(value=0.5)})
    (block,) = classes.blocks([results.table])
    assert [row[0] for row in block.rows] == ["digit"]
    assert "not in the truth that counts: background, hat." in block.notes


def test_evidence_that_is_gone_is_said(results: Any) -> None:
    from symmbench.bench.records import Figure

    results.add("ours", "ss", results.confusion(0.8), details=DETAILS, metrics={"miou": Figure(value=0.5)})
    (results.cells[0].folder / "evidence" / "confusion-00000.parquet").unlink()
    (block,) = classes.blocks([results.table])
    assert not block.rows and any(note.startswith("ours@25: the evidence in ") for note in block.notes)


def test_tables_without_masks_have_none(results: Any) -> None:
    results.classifier("ours", 100, 1)
    with pytest.raises(InputError, match="--per-class takes cells whose labels are masks"):
        classes.blocks([results.table])


def test_the_command_shows_them(bench: Callable[..., Any], tmp_path: Path) -> None:
    api.run(methods="unet", tasks="ss", datasets="digit-scenes", limit=60, out=tmp_path / "results", device="cpu")
    done = bench("compare", "--per-class", "--format", "md")
    assert done.returncode == 0, done.stderr
    assert "| class | images | pixels % | row | IoU ↑ | F1 ↑ | accuracy ↑ |" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("| background"))
    assert "| unet | 99." in line.replace("60 |", "")
