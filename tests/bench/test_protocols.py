"""Named protocols, what they change, scoring under another one, and the unified models' own task."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from symmbench import datasets
from symmbench.bench.protocols.protocol import METRIC_VERSIONS, all_rules, differing, make, rules
from symmbench.bench.records.evidence import Evidence, mask_png
from symmbench.bench.records.record import Store
from symmbench.bench.run.evaluate import to_uint8
from symmbench.bench.run.plan import Request, plan
from symmbench.bench.run.rescore import cell_of, rescore
from symmbench.bench.run.sweep import sweep
from symmbench.symmflow.errors import InputError


def request(out: Path, **changes: object) -> Request:
    wanted = {"tasks": ["ss"], "datasets": ["digit-scenes"], "steps": [1], "limit": 20, "out": out, "device": "cpu"}
    return Request(**(wanted | changes))  # type: ignore[arg-type]


def test_every_metric_of_a_protocol_is_known_and_the_default_has_them_all() -> None:
    for named in all_rules().values():
        assert {m for family in named.metrics.values() for m in family} <= set(METRIC_VERSIONS), named.name
    ours = rules("harness")
    assert {m for family in ours.metrics.values() for m in family} == set(METRIC_VERSIONS)
    with pytest.raises(InputError, match="did you mean 'semflow-official'"):
        rules("semflow-oficial")
    with pytest.raises(InputError, match="does not say how to measure cls"):
        rules("sdm", "cls")


def test_the_hash_is_of_what_is_measured_not_of_names() -> None:
    split = datasets.load("digit-scenes", "validation").first(10)
    named = {
        n: make("ss", split, rules(n), samples_per_label=1, evaluators={}) for n in ("harness", "symmflow-official")
    }
    assert named["harness"].name == "digit-scenes/ss@1"
    assert named["symmflow-official"].name == "digit-scenes/ss:symmflow-official@1"
    assert named["harness"].hash != named["symmflow-official"].hash
    plain = [named[n].model_dump(mode="json") for n in named]
    assert differing(*plain) == ["policy.ignored classes", "metrics.pixel_accuracy"]
    renamed = named["harness"].model_copy(update={"name": "another", "rules": "sdm"})
    assert renamed.hash == named["harness"].hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "test"}, "the protocol fixes --split at validation"),
        ({"samples_per_mask": 2, "tasks": ["sis"]}, "fixes --samples-per-mask at 17"),
        ({"tasks": ["sis"], "extractor": "digits-cnn"}, "fixes --extractor at inception"),
        ({"protocol": "nothing"}, "unknown protocol 'nothing'"),
    ],
)
def test_a_protocol_is_not_half_kept(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(request(tmp_path, **({"protocol": "symmflow-official"} | change)))


def test_classification_is_measured_on_the_test_split_under_every_protocol(tmp_path: Path) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], protocol="symmflow-official")
    assert plan(asked).jobs[0].protocol.split == "test"


def test_rounding() -> None:
    values = np.array([-1.5, -1.0, -0.9965, 0.0, 1.0])
    assert to_uint8(values).tolist() == [0, 0, 0, 128, 255]
    assert to_uint8(np.array([0.9999]), "round").tolist() == [255]
    assert to_uint8(np.array([0.9999]), "truncate").tolist() == [254]


def test_masks_are_kept_as_they_were_predicted(untrained_scenes: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, checkpoint=str(untrained_scenes))
    (record,) = sweep(plan(asked), asked).records
    ((_, folder),) = Store(tmp_path).items()
    masks = dict(Evidence.of(record, folder).masks())
    assert len(masks) == 20 and {m.shape for m in masks.values()} == {(32, 32)}
    truth = datasets.load("digit-scenes", "test").first(20)
    right = sum(int((masks[i] == t).sum()) for i, t in zip(truth.ids, truth.labels, strict=True))
    assert record.metrics["pixel_accuracy"].value == pytest.approx(right / truth.labels.size)


def test_masks_of_more_classes_than_a_byte_holds(tmp_path: Path) -> None:
    import io

    from PIL import Image

    mask = np.array([[0, 300], [65_535, 7]])
    assert (np.asarray(Image.open(io.BytesIO(mask_png(mask)))) == mask).all()


def test_scores_under_another_protocol_are_those_of_a_run_under_it(tmp_path: Path) -> None:
    ours = request(tmp_path / "ours", split="validation")
    theirs = request(tmp_path / "theirs", protocol="symmflow-official")
    sweep(plan(ours), ours)
    (run,) = sweep(plan(theirs), theirs).records
    outcome = rescore([tmp_path / "ours"], protocol="symmflow-official", out=tmp_path / "again")
    (record,) = [r for r, _ in Store(tmp_path / "again").items()]
    assert record.metrics == run.metrics and record.key == run.key and record.protocol == run.protocol
    assert set(record.metrics) == {"miou"} and outcome.left == []
    before = outcome.made[0].before
    assert before.metrics["miou"].value != record.metrics["miou"].value  # the background counts no more
    per_class = record.details["iou_per_class"]
    assert per_class["background"] is None
    assert record.metrics["miou"].value == pytest.approx(np.mean([v for v in per_class.values() if v is not None]))
    assert rescore([tmp_path / "again"]).made[0].changed == {} and cell_of(run).key == run.key


def test_synthesis_is_scored_again_with_its_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = rules("harness")
    fewer = ours.model_copy(update={"name": "fewer", "metrics": {"sis": ("fid", "kid")}})
    monkeypatch.setattr("symmbench.bench.protocols.protocol.all_rules", lambda: {"harness": ours, "fewer": fewer})
    asked = request(tmp_path / "ours", tasks=["sis"], limit=30)
    (run,) = sweep(plan(asked), asked).records
    (made,) = rescore([tmp_path / "ours"], protocol="fewer", out=tmp_path / "again").made
    assert set(made.after.metrics) == {"fid[digits-cnn]", "kid[digits-cnn]"}
    assert all(made.after.metrics[name] == run.metrics[name] for name in made.after.metrics)
    anew = request(tmp_path / "anew", tasks=["sis"], limit=30, protocol="fewer")
    (fresh,) = sweep(plan(anew), anew).records
    assert made.after.key == fresh.key and made.after.protocol == fresh.protocol != run.protocol
    assert [one.changed for one in rescore([tmp_path / "again"]).made] == [{}]  # nothing of the first store is needed


@pytest.mark.parametrize(
    ("change", "protocol", "why"),
    [
        ({}, "sdm", "measures on the validation split"),
        ({"split": "validation"}, "symmflow-official", r"rounds images otherwise \(truncate\)"),
        ({"split": "validation"}, "sdm", "takes features of inception"),
        ({"tasks": ["ss"]}, "sdm", "does not say how to measure ss"),
        ({}, "harness", "measured as harness says already"),
    ],
)
def test_what_was_not_sampled_cannot_be_scored(
    tmp_path: Path, change: dict[str, object], protocol: str, why: str
) -> None:
    asked = request(tmp_path, **({"tasks": ["sis"], "limit": 4} | change))
    sweep(plan(asked), asked)
    outcome = rescore([tmp_path], protocol=protocol, out=tmp_path)  # even there it destroys nothing
    ((_, reason),) = outcome.left
    assert outcome.made == [] and re.search(why, reason), reason
    assert [one.changed for one in rescore([tmp_path]).made] == [{}]


def test_figures_of_a_new_definition_lie_under_a_new_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], methods=["cnn"], limit=60)
    (before,) = sweep(plan(asked), asked).records
    monkeypatch.setitem(METRIC_VERSIONS, "accuracy", 2)
    rescore([tmp_path], write=True)
    ((after, folder),) = Store(tmp_path).items()  # the old one is gone: the evidence went with it
    (fresh,) = sweep(plan(asked), asked).records
    assert after.protocol["hash"] != before.protocol["hash"] and fresh.key == after.key
    assert (tmp_path / "protocols" / f"{after.protocol['hash']}.json").is_file()
    assert folder.name.endswith(after.key[:10]) and rescore([tmp_path]).left == []


def test_ignored_background_equals_torchmetrics() -> None:
    """`ignore_index` of a class drops its true pixels and the class, as SymmFlow's code measures."""
    import pandas as pd
    import torch
    from torchmetrics import JaccardIndex

    from symmbench.bench.metrics.confusion import sparse_confusion
    from symmbench.bench.metrics.score import areas_of

    random = np.random.default_rng(0)
    truth = random.integers(0, 5, (3, 16, 16))
    predicted = np.where(random.random(truth.shape) < 0.6, truth, random.integers(0, 5, truth.shape))
    image, t, p, count = sparse_confusion(truth, predicted, 5)
    ids, names = ["a", "b", "c"], ["background", "1", "2", "3", "4"]
    table = pd.DataFrame({"id": np.array(ids)[image], "truth": t, "prediction": p, "pixels": count})
    oracle = JaccardIndex(task="multiclass", num_classes=5, ignore_index=0)
    expected = oracle(torch.from_numpy(predicted), torch.from_numpy(truth)).item()
    assert areas_of(table, ids, names, ["background"]).miou().value == pytest.approx(expected, rel=1e-6)


def test_cycles_cost_both_directions_twice(tmp_path: Path) -> None:
    asked = request(tmp_path, tasks=["cycle"], steps=[1, 3], limit=10)
    few, many = sweep(plan(asked), asked).records
    assert (few.nfe, many.nfe) == (4, 12)
    assert {m.partition("[")[0] for m in few.metrics} == {"cycle_miou", "cycle_features"}
    assert few.absent.keys() == {"cycle_lpips"} and 0 < few.metrics["cycle_miou"].value < 1
    again = rescore([tmp_path])
    assert [one.changed for one in again.made] == [{}, {}]
    assert again.made[0].after.absent == few.absent


def test_a_cycle_of_a_method_that_is_right_comes_back(tmp_path: Path) -> None:
    """On classes SymmFlow's samples are seen as what they were made of far more often than by chance."""
    asked = request(tmp_path, tasks=["cycle"], datasets=["digits"], steps=[5], limit=40)
    (record,) = sweep(plan(asked), asked).records
    assert record.metrics["cycle_accuracy"].value > 0.5


def test_a_one_way_method_has_no_cycle(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unet cannot do cycle on digit-scenes"):
        plan(request(tmp_path, methods=["unet"], tasks=["cycle"]))


def test_probabilities_are_calibrated_and_other_scores_refused(tmp_path: Path) -> None:
    asked = request(tmp_path, tasks=["cls"], datasets=["digits"], methods=["cnn", "symmflow"], limit=60)
    cnn, flow = sweep(plan(asked), asked).records
    assert 0 <= cnn.metrics["ece"].value < 0.2 and 0 <= cnn.metrics["brier"].value < 0.3
    assert flow.absent["ece"] == flow.absent["brier"] and "no probabilities" in flow.absent["ece"]


def test_the_interval_of_a_share_ends_at_0_and_1() -> None:
    from symmbench.bench.metrics.score import _finite
    from symmbench.bench.statistics import Interval

    share = _finite(Interval(0.01, -0.1, 1.2, "test images"), "fraction", "lower")
    distance = _finite(Interval(0.01, -0.1, 1.2, "test images"), "distance", "lower")
    assert (share.low, share.high, distance.low, distance.high) == (0, 1, -0.1, 1.2)


def test_protocols_are_listed_field_by_field(bench) -> None:  # type: ignore[no-untyped-def]
    rows = {row["field"]: row for row in json.loads(bench("list", "protocols", "--json").stdout)}
    assert rows["background"] == {
        "field": "background",
        "harness": "counted",
        "symmflow-official": "ignored",
        "semflow-official": "counted",
        "sdm": "counted",
    }
    assert rows["samples_per_label"]["sdm"] == 10 and "StarGAN" in rows["departs"]["sdm"]
