"""Outputs of anyone: what a method's own files say is what the method itself said; what they do not say is absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from symmbench import datasets
from symmbench.bench import api
from symmbench.bench.compare.records import Records
from symmbench.bench.records import Record, Store
from symmbench.symmflow.errors import InputError

N = 12
ASKED: dict[str, Any] = {"limit": N, "device": "cpu"}
FAST: dict[str, dict[str, Any]] = {
    "ss": {"methods": "unet", "datasets": "digit-scenes"},
    "sis": {"methods": "symmflow", "datasets": "digit-scenes", "steps": 1, "samples_per_mask": 2},
    "cls": {"methods": "cnn", "datasets": "digits"},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of bundled checkpoints as files, a folder a task."""
    root = tmp_path_factory.mktemp("written")
    for task, asked in FAST.items():
        made = api.export(tasks=task, folder=root / task, **asked, **ASKED)
        assert made.folders == (root / task,) and made.samples == N
    return root


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the checkpoints come to themselves."""
    out = tmp_path_factory.mktemp("own")
    for task, asked in FAST.items():
        api.run(tasks=task, out=out, **asked, **ASKED)
    return out


def again(written: Path, task: str, out: Path, **more: Any) -> Records:
    """The outputs of a task evaluated from files."""
    asked = {k: v for k, v in FAST[task].items() if k in ("datasets", "samples_per_mask")} | ASKED | more
    return api.run(methods=f"outputs:{written / task}", tasks=task, out=out, **asked)


def record(out: Path, task: str) -> Record:
    (stored,) = [one for one in Store(out).items() if one.record.task == task]
    return stored.record


@pytest.mark.parametrize("task", FAST)
def test_files_score_exactly_as_the_method_that_wrote_them(written: Path, own: Path, tmp_path: Path, task: str) -> None:
    (found,) = again(written, task, tmp_path)
    itself = record(own, task)
    assert found.protocol == itself.protocol and found.metrics and found.metrics == itself.metrics
    assert found.absent == itself.absent and found.details == itself.details


@pytest.mark.parametrize("rounding", ["round", "truncate"])
def test_syntheses_score_alike_however_they_are_rounded(written: Path, tmp_path: Path, rounding: str) -> None:
    rules = tmp_path / "mine.toml"
    rules.write_text(f'rounding = "{rounding}"\n[metrics]\nsis = ["fid", "kid"]\n')
    asked = FAST["sis"] | ASKED | {"protocol": str(rules), "tasks": "sis"}
    (itself,) = api.run(**asked, out=tmp_path / "own")
    api.export(**asked, folder=tmp_path / "made" / "sis")
    (found,) = again(tmp_path / "made", "sis", tmp_path / "own", protocol=str(rules))
    assert found.protocol == itself.protocol and found.metrics and found.metrics == itself.metrics


def test_what_nobody_knows_of_outputs_is_absent(written: Path, tmp_path: Path) -> None:
    (found,) = again(written, "ss", tmp_path)
    assert found.method == "outputs:ss" and found.steps is None and found.solver is None
    assert found.nfe is None and found.cost is None and found.checkpoint.parameters is None
    (named,) = again(written, "ss", tmp_path, name="spade")
    (stepped,) = again(written, "ss", tmp_path, steps=5)
    assert named.method == "outputs:spade" and stepped.steps == 5
    assert named.metrics == stepped.metrics == found.metrics
    table, verdicts = api.compare(tmp_path, baseline="outputs:spade", sort="nfe").blocks
    assert sorted(row[:4] for row in table.rows) == [
        ["outputs:spade", "–", "–", "–"],
        ["outputs:ss", "–", "5", "–"],
        ["outputs:ss", "–", "–", "–"],
    ]
    assert verdicts.rows and {row[-1] for row in verdicts.rows} == {"equivalent"}


def test_a_front_is_of_rows_whose_cost_is_known(written: Path, own: Path, tmp_path: Path) -> None:
    again(written, "ss", tmp_path)
    _, block = api.compare(own, tmp_path, tasks="ss", pareto="miou").blocks
    assert [row[0] for row in block.rows] == ["unet"]
    assert "outputs:ss is left out: nobody knows what it cost." in block.notes
    with pytest.raises(InputError, match=r"no row of .* has a cost and evidence for miou"):
        api.compare(tmp_path, pareto="miou")


def test_changed_files_are_evaluated_again_and_the_same_ones_are_not(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    for file in (written / "ss").glob("*.png"):
        (folder / file.name).write_bytes(file.read_bytes())
    asked = {"tasks": "ss", "datasets": "digit-scenes", "out": tmp_path / "out", **ASKED}
    first = api.run(methods=f"outputs:{folder}", **asked)
    assert first.evaluated == N and api.run(methods=f"outputs:{folder}", **asked).evaluated == 0
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(next(folder.glob("*.png")))
    second = api.run(methods=f"outputs:{folder}", **asked)
    assert second.evaluated == N and second[0].metrics["miou"].value < first[0].metrics["miou"].value
    assert api.compare(tmp_path / "out").tables[0].rows[0].name != api.compare(tmp_path / "out").tables[0].rows[1].name


def test_unpaired_syntheses_are_measured_as_a_set_alone(written: Path, own: Path, tmp_path: Path) -> None:
    (found,) = again(written, "sis", tmp_path, unpaired=True)
    itself = record(own, "sis")
    assert found.protocol == itself.protocol and found.options == {"unpaired": True}
    for name in ("fid[digits-cnn]", "kid[digits-cnn]"):  # all of them, whatever their order
        assert found.metrics[name].value == pytest.approx(itself.metrics[name].value, rel=1e-9)
    assert set(found.metrics) == {"fid[digits-cnn]", "kid[digits-cnn]", "alignment_miou_real"}
    for name in ("feature_diversity[digits-cnn]", "alignment_miou"):
        assert found.absent[name] == "the syntheses are of no certain labels (--unpaired)"
    again_scored = api.rescore(tmp_path)
    assert [one.changed for one in again_scored.made] == [{}] and not again_scored.left


def test_syntheses_of_classes_in_adms_archive(tmp_path: Path) -> None:
    data = datasets.load("digits", "test").first(N)
    batch = data.batch(range(N))
    pixels = np.round((batch.images + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
    np.savez(tmp_path / "samples.npz", pixels, batch.labels)
    asked: dict[str, Any] = {"tasks": "sis", "datasets": "digits", "out": tmp_path / "out", **ASKED}
    (found,) = api.run(methods=f"outputs:{tmp_path / 'samples.npz'}", **asked)
    assert found.method == "outputs:samples.npz"
    fid = found.metrics["fid[digits-cnn]"].value
    assert fid == pytest.approx(0, abs=1e-6)  # the real images themselves
    assert found.metrics["alignment_accuracy"].value == found.metrics["alignment_accuracy_real"].value
    np.savez(tmp_path / "samples.npz", pixels, batch.labels[::-1])
    with pytest.raises(InputError, match="is not in the split's order"):
        api.run(methods=f"outputs:{tmp_path / 'samples.npz'}", **asked)
    (apart,) = api.run(methods=f"outputs:{tmp_path / 'samples.npz'}", unpaired=True, **asked)
    assert apart.metrics["fid[digits-cnn]"].value == pytest.approx(0, abs=1e-6)
    assert "alignment_accuracy" in apart.absent


def drawn(folder: Path, n: int = 12, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A folder of images with masks, void among them, and one of predictions: (truth, predictions), [n, 24, 40]."""
    random = np.random.default_rng(3)
    truth = np.kron(random.integers(0, classes, (n, 6, 10)), np.ones((4, 4), int))
    wrong = random.random(truth.shape) < 0.3
    predicted = np.where(wrong, random.integers(0, classes, truth.shape), truth)
    truth[:, :2] = 255
    for name in ("data/images", "data/masks", "predictions"):
        (folder / name).mkdir(parents=True)
    for i in range(n):
        image = random.integers(0, 256, (*truth.shape[1:], 3)).astype(np.uint8)
        Image.fromarray(image).save(folder / "data" / "images" / f"scene{i}.png")
        Image.fromarray(truth[i].astype(np.uint8)).save(folder / "data" / "masks" / f"scene{i}.png")
        Image.fromarray(predicted[i].astype(np.uint8)).save(folder / "predictions" / f"scene{i}.png")
    return truth, predicted


def test_a_strangers_folder_and_predictions_equal_numpys_miou(tmp_path: Path) -> None:
    truth, predicted = drawn(tmp_path)
    asked: dict[str, Any] = {"tasks": "ss", "datasets": f"folder:{tmp_path / 'data'}", "out": tmp_path / "out"}
    (found,) = api.run(methods=f"outputs:{tmp_path / 'predictions'}", device="cpu", **asked)
    valid = truth != 255
    classes = range(5)
    hits = np.array([((truth == k) & (predicted == k)).sum() for k in classes])
    of_truth, of_prediction = (np.array([((m == k) & valid).sum() for k in classes]) for m in (truth, predicted))
    expected = {
        "miou": np.mean(hits / (of_truth + of_prediction - hits)),
        "mean_f1": np.mean(2 * hits / (of_truth + of_prediction)),
        "mean_accuracy": np.mean(hits / of_truth),
        "fw_iou": np.sum(of_truth / of_truth.sum() * hits / (of_truth + of_prediction - hits)),
        "pixel_accuracy": hits.sum() / of_truth.sum(),
    }
    for name, value in expected.items():
        assert found.metrics[name].value == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "name what the outputs are"),
        ({"tasks": "ss", "unpaired": True}, "--unpaired goes with"),
        ({"tasks": "ss", "steps": (1, 5)}, "one step count"),
        ({"tasks": "ss", "checkpoint": "x"}, "after a colon"),
        ({"tasks": "ss", "name": "a:b"}, "--name takes letters"),
        ({"tasks": "cycle"}, "cannot be made again"),
        ({"tasks": "sis"}, r"--samples-per-mask 2"),
        ({"tasks": "cls", "datasets": "digits"}, "class scores are one table"),
    ],
)
def test_requests_that_say_nothing_certain(written: Path, tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        api.run(methods=f"outputs:{written / 'sis'}", out=tmp_path, **ASKED, **{"datasets": "digit-scenes"} | asked)
    assert not list(tmp_path.rglob("record.json"))


def test_a_name_is_for_what_was_made_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--name goes with exactly one --method"):
        api.run(methods="unet", name="mine", tasks="ss", out=tmp_path, **ASKED)


def test_a_missing_an_extra_and_a_wrongly_sized_file_are_named(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    for file in sorted((written / "ss").glob("*.png"))[1:]:
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "other.png").write_bytes(file.read_bytes())
    asked: dict[str, Any] = {"methods": f"outputs:{folder}", "tasks": "ss", "datasets": "digit-scenes", **ASKED}
    with pytest.raises(InputError, match=r"no file of test-00000; files of no sample: other\.png"):
        api.run(out=tmp_path / "out", **asked)
    (folder / "other.png").rename(folder / "test-00000.png")
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(folder / "test-00000.png")
    with pytest.raises(InputError, match=r"test-00000\.png is 64x64, not 32x32"):
        api.run(out=tmp_path / "out", **asked)


def test_outputs_of_the_whole_split_serve_a_part_of_it(written: Path, tmp_path: Path) -> None:
    (found,) = again(written, "ss", tmp_path, limit=5)
    assert found.n == 5


def test_outputs_are_drawn_like_a_methods_own(written: Path) -> None:
    asked: dict[str, Any] = {"tasks": "ss", "datasets": "digit-scenes", "count": 2, "device": "cpu"}
    assert api.sample(methods=f"outputs:{written / 'ss'}", **asked).startswith(b"\x89PNG")


def test_a_record_of_outputs_is_reproduced(written: Path, tmp_path: Path) -> None:
    (found,) = again(written, "sis", tmp_path, unpaired=True, name="mine")
    folder = next(tmp_path.rglob("record.json")).parent
    made = api.reproduce(folder, device="cpu")
    assert made.verdict == "bit for bit" and made.after.key == found.key


def test_a_folder_a_step_count_and_nothing_else_in_it(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"methods": "symmflow", "tasks": "ss", "datasets": "digit-scenes", **ASKED}
    made = api.export(**asked, steps=(1, 2), folder=tmp_path / "made")
    assert [folder.name for folder in made.folders] == ["steps-1", "steps-2"]
    assert api.export(**asked, steps=(1, 2), folder=tmp_path / "made").folders == made.folders  # the same cells
    with pytest.raises(InputError, match="steps-1 holds something else already"):
        api.export(**asked, seeds=1, steps=(1, 2), folder=tmp_path / "made")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="full holds something else already; name a new folder"):
        api.export(**asked, steps=1, folder=tmp_path / "full")
    with pytest.raises(InputError, match="name one of each"):
        api.export(**asked, seeds=(0, 1), folder=tmp_path / "two")


def test_cycle_has_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cycle makes nothing that other tools read"):
        api.export(tasks="cycle", datasets="digit-scenes", steps=1, folder=tmp_path / "made", limit=2, device="cpu")
