"""Segmenters of transformers whose image processors crop or pad: what they see is the whole image, in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from symmbench import datasets, methods
from symmbench.methods.parts.processors import uncropped
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.noise import Draws

transformers = pytest.importorskip("transformers", reason="transformers is not installed (pip install 'symmbench[hf]')")
CARD = datasets.card("coco-stuff@64")
SIDE = 64
HALF = {"height": SIDE // 2, "width": SIDE // 2}
PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("SegformerImageProcessor", {"size": {"height": SIDE, "width": SIDE}}),
    "mobilevit": ("MobileViTImageProcessor", {"size": {"shortest_edge": SIDE}, "crop_size": HALF}),
    "mobilenet": ("MobileNetV2ImageProcessor", {"size": {"shortest_edge": SIDE}, "crop_size": HALF}),
    "beit": ("BeitImageProcessor", {"size": {"height": 80, "width": 80}, "crop_size": HALF, "do_center_crop": True}),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    labels = {"id2label": dict(enumerate(CARD.classes)), "label2id": {c: i for i, c in enumerate(CARD.classes)}}
    sizes = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16}
    model = transformers.SegformerForSemanticSegmentation(transformers.SegformerConfig(**sizes, **labels))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    folder = tmp_path_factory.mktemp("network")
    model.save_pretrained(folder)
    return folder


def made(name: str, **more: Any) -> Any:
    kind, options = PROCESSORS[name]
    return getattr(transformers, kind)(**options | more)


def load(network: Path, folder: Path, processor: Any, **inference: Any) -> Any:
    for file in network.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    processor.save_pretrained(folder)
    opened = methods.checkpoint(f"hf:{folder}", CARD.name)
    return methods.method("hf").load(opened, CARD, "cpu", inference)


def pictures() -> torch.Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def segment(method: Any, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return next(method.segment(images, methods.Sampling(Draws(0, ["a"] * len(images))))).classes


@pytest.mark.parametrize("window", [None, SIDE, 40])
@pytest.mark.parametrize("name", PROCESSORS)
def test_all_but_the_centre_of_an_image_decides_its_mask_too(
    name: str, window: int | None, network: Path, tmp_path: Path
) -> None:
    images = pictures()
    edge = SIDE // 4
    changed = images.clone()
    changed[..., :edge, :], changed[..., -edge:, :] = 1, -1
    changed[..., :edge], changed[..., -edge:] = 0.3, -0.5
    method = load(network, tmp_path, made(name), window=window)
    before, after = segment(method, images), segment(method, changed)
    assert before.shape == (2, SIDE, SIDE) and (before != after).float().mean() > 0.01


@pytest.mark.parametrize("window", [None, 40])
def test_a_crop_or_a_border_that_is_left_out_changes_nothing_else(
    window: int | None, network: Path, tmp_path: Path
) -> None:
    """DPT pads to multiples, on all sides; without the border it resizes and normalises as SegFormer's processor."""
    images = pictures()
    alike = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    found = []
    for folder, processor in (
        (tmp_path / "plain", made("plain", **alike)),
        (tmp_path / "cropped", made("beit", **alike)),
        (tmp_path / "padded", transformers.DPTImageProcessor(do_pad=True, size_divisor=8, **alike)),
    ):
        folder.mkdir()
        found.append(segment(load(network, folder, processor, window=window), images))
    plain, *others = found
    assert plain.unique().numel() > 1
    for other in others:
        assert (other != plain).float().mean() < 0.01


def test_a_model_that_needs_its_border_is_refused(network: Path, tmp_path: Path) -> None:
    padded = transformers.DPTImageProcessor(size={"height": 60, "width": 60}, do_pad=True, size_divisor=16)
    with pytest.raises(InputError, match="DPTImageProcessor, pads images to multiples of 16 pixels"):
        load(network, tmp_path, padded)
    with pytest.raises(InputError, match="multiples of 16"):
        load(network, tmp_path, padded, window=40)
    load(network, tmp_path, padded, window=48)


def test_a_border_that_cannot_be_left_out_is_refused_by_name(network: Path, tmp_path: Path) -> None:
    """Mask2Former's pads below and on the right to a `pad_size`: windows leave that out, whole images cannot."""
    kind, plain = transformers.Mask2FormerImageProcessor, {"size": {"height": SIDE, "width": SIDE}}
    padded = kind(**plain, pad_size={"height": 96, "width": 96})
    with pytest.raises(InputError, match="Mask2FormerImageProcessor, crops, pads or moves"):
        load(network, tmp_path, padded)
    segment(load(network, tmp_path, padded, window=SIDE), pictures())
    load(network, tmp_path, kind(**plain))


class Moving:
    """A processor that resizes, scales and then does what it is told to."""

    def __init__(self, then: Any, side: int = 40) -> None:
        self.then, self.side = then, side

    def __call__(self, images: list[torch.Tensor], **_: Any) -> dict[str, torch.Tensor]:
        values = torch.nn.functional.interpolate(
            torch.stack(images) / 127.5 - 1, (self.side, self.side), mode="bilinear", antialias=True
        )
        return {"pixel_values": self.then(values)}


@pytest.mark.parametrize(
    "then",
    [
        lambda x: x.flip(-1),
        lambda x: x.mT,
        lambda x: x.roll(4, -2),
        lambda x: x[..., 3:-3, 3:-3],
        lambda x: x[..., :-4],
        lambda x: torch.nn.functional.pad(x, (3, 3, 3, 3)),
        lambda x: torch.nn.functional.pad(x, (3, 3, 3, 3), mode="reflect"),
        lambda x: x.repeat(2, 1, 1, 1),  # an image in parts
    ],
)
def test_what_moves_pixels_is_refused(then: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Moving, crops, pads or moves"):
        uncropped(Moving(then), tmp_path, (SIDE, SIDE), None)


@pytest.mark.parametrize("side", [8, 31, 32, 33, 40, 500])
@pytest.mark.parametrize("size", [(32, 32), (64, 48), (16, 100)])
def test_what_only_resizes_and_normalises_passes(side: int, size: tuple[int, int], tmp_path: Path) -> None:
    uncropped(Moving(lambda x: x.flip(1) * 3 - 1, side), tmp_path, size, None)


@pytest.mark.parametrize("resample", [0, 1, 2, 3])
def test_every_way_to_resize_passes(resample: int, network: Path, tmp_path: Path) -> None:
    for side in (40, 112):
        load(network, tmp_path, made("plain", size={"height": side, "width": side}, resample=resample))
    assert json.loads((tmp_path / "preprocessor_config.json").read_text())["resample"] == resample
