"""transformers' segmenters in windows, put into another order by their names, and from pickled weights."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_segmenters import save_segmenter
from torch.nn.functional import interpolate

from symmbench import datasets, methods
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws

transformers = pytest.importorskip("transformers", reason="transformers is not installed (pip install 'symmbench[hf]')")
CARD = datasets.card("digit-scenes")
MEAN, STD = (torch.tensor(v).reshape(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
"""ImageNet's, as both image processors have them."""


@pytest.fixture(scope="module", params=["segformer", "mask2former"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_segmenter(request.param, tmp_path_factory.mktemp(request.param), CARD.classes, 48, seed=1)


def load(folder: Path, **inference: Any) -> Any:
    opened = methods.checkpoint(f"hf:{folder}", "digit-scenes")
    return methods.method("hf").load(opened, CARD, "cpu", inference)


def segment(method: Any, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return next(method.segment(images, methods.Sampling(Draws(0, ["a"] * len(images))))).classes


def scenes() -> torch.Tensor:
    images = torch.from_numpy(datasets.load("digit-scenes", "test").batch(range(4)).images)
    return torch.cat([torch.cat([images[0], images[1]], dim=-1), torch.cat([images[2], images[3]], dim=-1)], 1)[None]


def scores(network: Any, window: torch.Tensor) -> torch.Tensor:
    """Of one window [1, 3, h, w], [K, h, w]: as the authors' code has it."""
    made, size = network(pixel_values=window), window.shape[-2:]
    if hasattr(made, "logits"):
        return interpolate(made.logits, size=size, mode="bilinear")[0]
    masks = interpolate(made.masks_queries_logits, size=size, mode="bilinear")[0].sigmoid()
    classes = made.class_queries_logits[0].softmax(-1)[:, :-1]
    return sum(c[:, None, None] * m for c, m in zip(classes, masks, strict=True))  # type: ignore[return-value]


def test_windows_see_the_image_as_it_is_and_their_scores_are_averaged(folder: Path) -> None:
    images, method = scenes(), load(folder, window=40, stride=24)
    values = ((images[0] + 1) / 2 - MEAN) / STD
    total, seen = torch.zeros(len(CARD.classes), 64, 64), torch.zeros(64, 64)
    with torch.inference_mode():
        for top in (0, 24):
            for left in (0, 24):
                total[:, top : top + 40, left : left + 40] += scores(
                    method.net, values[None, :, top : top + 40, left : left + 40]
                )
                seen[top : top + 40, left : left + 40] += 1
    found, expected = segment(method, images)[0], (total / seen).argmax(0)
    assert found.unique().numel() > 1 and (found != expected).float().mean() < 0.002
    whole = segment(load(folder, window=64), images)[0]
    with torch.inference_mode():
        assert (whole != scores(method.net, values[None]).argmax(0)).float().mean() < 0.002
    assert method.nfe("ss", None, None) == 1 and load(folder, window=20, stride=12).nfe("ss", None, None) == 4


def test_classes_in_another_order_are_put_into_the_cards_by_their_names(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    shifted = [*CARD.classes[1:], CARD.classes[0]]
    config |= {"id2label": dict(enumerate(shifted)), "label2id": {c: i for i, c in enumerate(shifted)}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    images = scenes()
    expected = (segment(load(folder), images) + 1) % len(CARD.classes)
    assert torch.equal(segment(load(tmp_path, classes="by-name"), images), expected)


def test_pickled_weights_are_read_where_there_are_no_others_and_run_no_code(folder: Path, tmp_path: Path) -> None:
    for file in folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=r"has no \*\.safetensors"):
        methods.checkpoint(f"hf:{tmp_path}", "digit-scenes")
    torch.save(load(folder).net.state_dict(), tmp_path / "pytorch_model.bin")
    assert torch.equal(segment(load(tmp_path), scenes()), segment(load(folder), scenes()))
    mark = tmp_path / "ran"
    before = methods.checkpoint(f"hf:{tmp_path}", "digit-scenes").fingerprint

    class Code:
        def __reduce__(self) -> Any:
            return Path.touch, (mark,)

    size = (tmp_path / "pytorch_model.bin").stat().st_size
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Code(), "padding": b"0" * size}))
    assert methods.checkpoint(f"hf:{tmp_path}", "digit-scenes").fingerprint != before
    with pytest.raises(InputError, match="is no segmentation model"):
        load(tmp_path)
    assert not mark.exists()


def test_of_a_repository_pickles_come_only_where_there_are_no_safetensors(folder: Path, hub: Any) -> None:
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    hub.put("models/owner/both", files | {"pytorch_model.bin": b"unread"})
    both = methods.checkpoint("hf:owner/both", "digit-scenes")
    assert both.fingerprint == methods.checkpoint(f"hf:{folder}", "digit-scenes").fingerprint
    assert not (both.path / "pytorch_model.bin").exists()
    hub.put("models/owner/old", {n: c for n, c in files.items() if n.endswith("json")} | {"pytorch_model.bin": b"old"})
    assert (methods.checkpoint("hf:owner/old", "digit-scenes").path / "pytorch_model.bin").read_bytes() == b"old"


@pytest.mark.parametrize("inference", [{}, {"window": 32}])
@pytest.mark.parametrize("kind", ["MobileViTImageProcessor", "MobileNetV2ImageProcessor"])
def test_what_lies_outside_the_centre_is_seen_too(
    folder: Path, kind: str, inference: dict[str, int], tmp_path: Path
) -> None:
    """Their processors would cut the centre out."""
    shutil.copytree(folder, tmp_path / "m")
    if "segformer" not in folder.name:
        pytest.skip("no processor of MaskFormer's family cuts")
    processor = getattr(transformers, kind)(size={"shortest_edge": 32}, crop_size={"height": 16, "width": 16})
    assert processor.do_center_crop
    processor.save_pretrained(tmp_path / "m")
    inside = torch.from_numpy(datasets.load("digit-scenes", "test").batch(range(1)).images)
    outside = torch.ones_like(inside)
    outside[..., 8:24, 8:24] = inside[..., 8:24, 8:24]
    method = load(tmp_path / "m", **inference)
    seen, other = segment(method, inside), segment(method, outside)
    assert seen.shape == (1, 32, 32) and (seen != other).any()
