"""Segmenters in the official formats of others, a few thousand random weights, on COCO-Stuff: baselines and judges."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from layouts import coco_stuff as coco
from PIL import Image
from tiny_segmenters import save_segmenter

from symmbench import datasets, methods
from symmbench.bench.code import Installed
from symmbench.bench.records import Record, read_record
from symmbench.bench.run.due import MadeBy
from symmbench.bench.run.job import Job
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request

transformers = pytest.importorskip("transformers", reason="transformers is not installed (pip install 'symmbench[hf]')")
CLASSES = datasets.card("coco-stuff").classes
SIDE = 64
IDS = [f"{number:012d}" for number in coco.SPLITS["val"]]


def save(kind: str, folder: Path, names: tuple[str, ...] = CLASSES) -> Path:
    return save_segmenter(kind, folder, names, SIDE)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coco.official(tmp_path_factory.mktemp("coco"))


@pytest.fixture(scope="module")
def segformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save("segformer", tmp_path_factory.mktemp("models") / "tiny-segformer")


@pytest.fixture(scope="module")
def mask2former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save("mask2former", tmp_path_factory.mktemp("models") / "tiny-mask2former")


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def syntheses(root: Path, tmp_path: Path) -> Path:
    """Someone's images of the masks of the split: the real ones with their colours turned."""
    images = datasets.load(f"coco-stuff@{SIDE}", "validation", root).batch(range(len(IDS))).images
    folder = tmp_path / "syntheses"
    folder.mkdir()
    for own, image in zip(IDS, images, strict=True):
        pixels = ((1 - image) * 127.5).round().astype(np.uint8)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{own}.png")
    return folder


def run(bench: Any, root: Path, *arguments: object) -> Any:
    shared = ("-d", "coco-stuff", "--size", SIDE, "--data-root", root, "--device", "cpu", "--workers", 0)
    return bench("run", *map(str, (*arguments, *shared)))


def record(folder: Path) -> tuple[Record, Path]:
    (path,) = folder.rglob("record.json")
    return read_record(path), path.parent


def seen(model: Path, images: np.ndarray, **inference: Any) -> np.ndarray:
    """What transformers' own pipeline sees in images [B, 3, H, W] in [-1, 1]."""
    t = transformers
    processor = t.AutoImageProcessor.from_pretrained(model)
    kinds = (t.AutoModelForSemanticSegmentation, t.AutoModelForUniversalSegmentation)
    network = kinds["mask2former" in model.name].from_pretrained(model).eval()
    pictures = [Image.fromarray(((i.transpose(1, 2, 0) + 1) * 127.5).round().astype(np.uint8)) for i in images]
    with torch.no_grad():
        made = network(pixel_values=processor(images=pictures, return_tensors="pt")["pixel_values"])
    sizes = [images.shape[-2:]] * len(images)
    return np.stack([mask.numpy() for mask in processor.post_process_semantic_segmentation(made, target_sizes=sizes)])


def miou(truth: list[np.ndarray], predicted: list[np.ndarray]) -> float:
    """Over the classes that are in the truth; void left out."""
    t, p = (np.concatenate([mask.ravel() for mask in masks]).astype(int) for masks in (truth, predicted))
    t, p = t[t != 255], p[t != 255]
    return float(np.mean([((t == k) & (p == k)).sum() / ((t == k) | (p == k)).sum() for k in np.unique(t)]))


@pytest.mark.parametrize("model", ["segformer", "mask2former"], indirect=True)
def test_a_published_segmenter_is_a_baseline_scored_at_the_original_size(
    model: Path, root: Path, bench: Any, tmp_path: Path
) -> None:
    done = run(bench, root, "-m", f"hf:{model}", "-t", "ss", "--scored-at", "original")
    assert done.returncode == 0, done.stderr
    found, _ = record(tmp_path / "results")
    batch = datasets.load(f"coco-stuff@{SIDE}", "validation", root).batch(range(len(IDS)))
    enlarged = []
    for number, mask in zip(coco.SPLITS["val"], seen(model, batch.images), strict=True):
        height, width = coco.size(number)  # the nearest centre, a pixel at a time
        rows = [int((y + 0.5) * SIDE / height) for y in range(height)]
        enlarged.append(mask[np.ix_(rows, [int((x + 0.5) * SIDE / width) for x in range(width)])])
    expected = miou([coco.trained(number) for number in coco.SPLITS["val"]], enlarged)
    assert found.method == f"hf:{model.name}" and found.metrics["miou"].value == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("model", ["segformer", "mask2former"], indirect=True)
def test_a_published_segmenter_judges_alignment_beside_its_score_on_real_images(
    model: Path, root: Path, syntheses: Path, bench: Any, tmp_path: Path
) -> None:
    sis = ("-m", f"outputs:{syntheses}", "-t", "sis", "--judge", f"hf:{model}")
    done = run(bench, root, *sis)
    assert done.returncode == 0, done.stderr
    found, folder = record(tmp_path / "results")
    batch = datasets.load(f"coco-stuff@{SIDE}", "validation", root).batch(range(len(IDS)))
    masks = list(batch.labels)
    real = miou(masks, list(seen(model, batch.images)))
    made = np.stack([np.asarray(Image.open(syntheses / f"{own}.png")) for own in IDS]).transpose(0, 3, 1, 2)
    fake = miou(masks, list(seen(model, made / 127.5 - 1)))
    assert found.metrics["alignment_miou_real"].value == pytest.approx(real, abs=2e-4)
    assert found.metrics["alignment_miou"].value == pytest.approx(fake, abs=2e-4)
    fingerprint = methods.checkpoint(f"hf:{model}", "coco-stuff").fingerprint
    protocol = json.loads((tmp_path / f"results/protocols/{found.protocol['hash']}.json").read_text())
    assert protocol["judges"]["aligner"] == f"hf:{fingerprint}"
    assert run(bench, root, "-m", f"hf:{model}", "-t", "ss").returncode == 0
    shown = bench("compare", "--format", "md").stdout
    assert f"alignment is seen by hf:{model.name} ({fingerprint[:6]})" in shown
    assert f"hf:{model.name} is the model that sees alignment in {found.protocol['name']}" in shown
    again = bench("reproduce", str(folder), "--data-root", str(root), "--device", "cpu")
    assert again.returncode == 0 and "bit for bit" in again.stdout, again.stderr


def test_other_weights_or_another_window_of_a_judge_are_another_protocol(
    segformer: Path, root: Path, syntheses: Path, bench: Any, tmp_path: Path
) -> None:
    moved = shutil.copytree(segformer, tmp_path / "moved")
    sis = ("-m", f"outputs:{syntheses}", "-t", "sis", "--judge", f"hf:{moved}")
    for options in ((), ("--judge-set", "window=32", "--judge-set", "stride=16")):
        assert run(bench, root, *sis, *options).returncode == 0
    file = moved / "preprocessor_config.json"
    file.write_text(file.read_text().replace(str(SIDE), str(SIDE // 2)))
    done = run(bench, root, *sis)
    assert done.returncode == 0 and "evaluated" in done.stderr, done.stderr
    protocols = [json.loads(path.read_text()) for path in (tmp_path / "results/protocols").glob("*.json")]
    identities = {protocol["judges"]["aligner"] for protocol in protocols}
    assert len(identities) == 3 and sum(name.startswith("hf stride=16 window=32:") for name in identities) == 1
    folder = next(
        path.parent
        for path in (tmp_path / "results").rglob("record.json")
        if not read_record(path).judge.options  # type: ignore[union-attr]
    )
    shutil.rmtree(moved)
    refused = bench("reproduce", str(folder), "--data-root", str(root), "--device", "cpu")
    assert refused.returncode == 2 and "there is no folder" in refused.stderr


def test_a_named_judge_goes_with_its_job_and_its_code_counts(segformer: Path, root: Path, syntheses: Path) -> None:
    where = {"datasets": ["coco-stuff"], "size": str(SIDE), "data_root": root}
    asked = Request(
        methods=[f"outputs:{syntheses}"], tasks=["sis"], judge=f"hf:{segformer}", judge_options={"window": 32}, **where
    )  # type: ignore[arg-type]
    (job,) = plan(asked).jobs
    assert Job.model_validate_json(job.model_dump_json()) == job and job.judges["aligner"].named
    code = MadeBy(job, Installed()).outputs
    assert {f"symmbench/{name}.py" for name in ("methods/huggingface", "methods/parts/windows")} <= set(code.files)


@pytest.mark.parametrize("as_judge", [False, True])
def test_a_permuted_class_order_is_refused_with_the_first_class_that_differs(
    as_judge: bool, segformer: Path, root: Path, syntheses: Path, bench: Any, tmp_path: Path
) -> None:
    turned = shutil.copytree(segformer, tmp_path / "turned")
    config = json.loads((turned / "config.json").read_text())
    names = [*CLASSES[:3], CLASSES[4], CLASSES[3], *CLASSES[5:]]
    config |= {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    (turned / "config.json").write_text(json.dumps(config))
    sis = ("-m", f"outputs:{syntheses}", "-t", "sis", "--judge", f"hf:{turned}")
    asked = sis if as_judge else ("-m", f"hf:{turned}", "-t", "ss")
    done = run(bench, root, *asked)
    assert done.returncode == 2, done.stderr
    said = " ".join(done.stderr.split())
    assert "in another order: 3 is 'airplane' there and 'motorcycle' here" in said
    option = "--judge-set" if as_judge else "--set"
    assert run(bench, root, *asked, option, "classes=by-name").returncode == 0


def test_what_cannot_judge_is_refused_in_a_sentence(segformer: Path, root: Path, syntheses: Path, bench: Any) -> None:
    sis = ("-m", f"outputs:{syntheses}", "-t", "sis")
    for asked, said in (
        ((*sis, "--judge", "hf:nowhere"), "there is no folder"),
        ((*sis, "--judge", f"outputs:{syntheses}"), "name hf: or mmseg:"),
        ((*sis, "--judge", "hf:"), "name the model: --judge hf:"),
        (
            (*sis, "--judge", "mmseg:pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"),
            "needs its weights: --judge-checkpoint",
        ),
        ((*sis, "--judge", f"hf:{segformer}", "--judge-set", "foo"), "--judge-set takes key=value"),
        ((*sis, "--judge", f"hf:{segformer}", "--judge-set", "window="), "; mend the --judge-set."),
        ((*sis, "--judge", f"hf:{segformer}", "--judge-set", "windows=3"), "did you mean 'window'"),
        ((*sis, "--judge", f"hf:{segformer}", "--judge-set", "stride=3"), "takes a window of at least as many"),
        ((*sis, "--judge-set", "window=3"), "go with --judge"),
        ((*sis, "--judge", "unett"), "unknown judge 'unett'"),
        (("-m", f"hf:{segformer}", "-t", "ss", "--judge", f"hf:{segformer}"), "it goes with --task sis"),
    ):
        done = run(bench, root, *asked)
        assert done.returncode == 2 and said in " ".join(done.stderr.split()), (asked, done.stderr)


MMSEG = """
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="SegDataPreProcessor", mean=[100.0] * 3, std=[50.0] * 3, bgr_to_rgb=True),
    backbone=dict(
        type="MixVisionTransformer", embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1],
        patch_sizes=[7, 3, 3, 3], sr_ratios=[4, 2, 1, 1],
    ),
    decode_head=dict(
        type="SegformerHead", in_channels=[4, 4, 4, 4], in_index=[0, 1, 2, 3], channels=8, num_classes=171,
        norm_cfg=dict(type="BN"), align_corners=False, loss_decode=dict(type="CrossEntropyLoss"),
    ),
    test_cfg=dict(mode="slide", crop_size=(32, 48), stride=(32, 16)),
)
"""


@pytest.fixture
def mmseg(tmp_path: Path) -> tuple[str, Path, Any]:
    """A tiny SegFormer of mmsegmentation that slides: its config, its weights as they are published, its network."""
    pytest.importorskip("mmcv", reason="mmsegmentation is not installed", exc_type=ImportError)
    from symmbench.methods.parts.mmseg_config import read_config
    from symmbench.methods.parts.mmseg_network import build

    config, weights = tmp_path / "tiny.py", tmp_path / "tiny-12345678.pth"
    config.write_text(MMSEG)
    torch.manual_seed(0)
    network = build(read_config(str(config), {}, whole=False), len(CLASSES)).eval()
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    torch.save({"state_dict": network.model.state_dict(), "meta": {"CLASSES": CLASSES}}, weights)
    return f"mmseg:{config}", weights, network


def test_a_model_of_mmsegmentation_is_baseline_and_judge_in_its_own_windows(
    mmseg: tuple[str, Path, Any], root: Path, syntheses: Path, bench: Any, tmp_path: Path
) -> None:
    name, weights, network = mmseg
    as_judge = ("--judge", name, "--judge-checkpoint", weights, "--trust")
    done = run(bench, root, "-m", f"outputs:{syntheses}", "-t", "sis", *as_judge)
    assert done.returncode == 0, done.stderr
    judged, _ = record(tmp_path / "results")
    done = run(bench, root, "-m", name, "-t", "ss", "--checkpoint", weights, "--trust", "--out", tmp_path / "ss")
    assert done.returncode == 0, done.stderr
    baseline, _ = record(tmp_path / "ss")
    batch = datasets.load(f"coco-stuff@{SIDE}", "validation", root).batch(range(len(IDS)))
    with torch.no_grad():  # mmsegmentation slides by itself
        masks = network(torch.from_numpy(batch.images)).argmax(1).numpy()
    assert baseline.metrics["miou"].value == pytest.approx(miou(list(batch.labels), list(masks)), abs=2e-4)
    assert judged.metrics["alignment_miou_real"].value == pytest.approx(baseline.metrics["miou"].value, abs=2e-4)
    assert judged.judge is not None and judged.judge.fingerprint == baseline.checkpoint.fingerprint
    assert baseline.nfe == 4  # windows: two down, two across


@pytest.mark.parametrize("kept", ["CLASSES", "dataset_meta"])
def test_a_permuted_order_in_weights_of_mmsegmentation_is_refused(
    kept: str, mmseg: tuple[str, Path, Any], root: Path, bench: Any
) -> None:
    name, weights, network = mmseg
    turned = [CLASSES[1], CLASSES[0], *CLASSES[2:]]
    meta = {"CLASSES": turned} if kept == "CLASSES" else {"dataset_meta": {"classes": turned, "palette": []}}
    torch.save({"state_dict": network.model.state_dict(), "meta": meta}, weights)
    asked = ("-m", name, "-t", "ss", "--checkpoint", weights, "--trust")
    done = run(bench, root, *asked)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2 and "in another order: 0 is 'bicycle' there and 'person' here" in said
    if kept == "CLASSES":
        assert run(bench, root, *asked, "--set", "classes=by-name").returncode == 0
