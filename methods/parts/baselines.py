"""Segmenters that others have published for the papers' data sets: what runs each, and as which figure it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MMSEG, ZOO = "mmsegmentation's model index", "MODEL_ZOO.md of its repository"


@dataclass(frozen=True)
class Baseline:
    """A published segmenter. Its classes are the card's, in the card's order: that is checked when it is loaded."""

    model: str
    dataset: str
    """What --dataset takes: with the size at which its authors let it see images, where all have that size."""
    method: str
    """What --method takes."""
    weights: str = ""
    """Of mmsegmentation: the file that --checkpoint takes. The eight digits in its name begin its SHA-256."""
    options: Mapping[str, int] = field(default_factory=dict)
    """What --set takes to see images as its authors do. mmsegmentation's configs say it themselves."""
    seen: str = ""
    """How its authors let it see an image."""
    miou: float | None = None
    """Percent, on the data set's validation split, at a single scale without flips; None: nobody tells one."""
    source: str = ""
    notes: str = ""
    misnamed: tuple[str, ...] = ()
    """What its configuration called its classes before that was corrected."""


STREETS = "cityscapes@1024x2048"
"""At their own size."""
SLIDES = "windows of {0}, {1} apart, over 1024x2048"
WHOLE = "whole, at 1024x2048"


def _segformer(size: int, miou: float, file: str) -> tuple[Baseline, Baseline]:
    """SegFormer on Cityscapes: the authors' weights, and mmsegmentation's own."""
    slides = SLIDES.format(1024, 768)
    return (
        Baseline(
            f"SegFormer-B{size}",
            STREETS,
            f"hf:nvidia/segformer-b{size}-finetuned-cityscapes-1024-1024",
            options={"window": 1024, "stride": 768},
            seen=slides,
            notes="its image processor would shrink the image to a square",
        ),
        Baseline(
            f"SegFormer-B{size}",
            STREETS,
            f"mmseg:segformer/segformer_mit-b{size}_8xb1-160k_cityscapes-1024x1024.py",
            weights=f"segformer_mit-b{size}_8x1_1024x1024_160k_cityscapes_{file}.pth",
            seen=slides,
            miou=miou,
            source=MMSEG,
        ),
    )


def _mask2former(size: str, miou: float) -> Baseline:
    return Baseline(
        f"Mask2Former, Swin-{size[0].upper()}",
        STREETS,
        f"hf:facebook/mask2former-swin-{size}-cityscapes-semantic",
        options={"window": 2048},
        seen=WHOLE,
        miou=miou,
        source=ZOO,
        notes="its image processor would shrink the image to 384x384",
    )


def _coco_stuff(model: str, config: str, file: str, miou: float) -> Baseline:
    return Baseline(
        model,
        "coco-stuff",
        f"mmseg:{config}_coco-stuff164k-512x512.py",
        weights=f"{file}.pth",
        seen="whole, the shorter side 512",
        miou=miou,
        source=MMSEG,
    )


def _maskformer(depth: int, miou: float) -> Baseline:
    return Baseline(
        f"MaskFormer, ResNet-{depth}",
        "coco-stuff",
        f"hf:facebook/maskformer-resnet{depth}-coco-stuff",
        seen="whole",
        source=ZOO,
        notes=f"trained on the 9,000 images of COCO-Stuff 10k, on whose test images it has {miou}",
    )


BASELINES = (
    *_segformer(0, 76.54, "20211208_101857-e7f88502"),
    *_segformer(1, 78.56, "20211208_064213-655c7b3f"),
    *_segformer(2, 81.08, "20211207_134205-6096669a"),
    *_segformer(3, 81.94, "20211206_224823-a8f8a177"),
    *_segformer(4, 81.89, "20211207_080709-07f6c333"),
    *_segformer(5, 82.25, "20211206_072934-87a052ec"),
    _mask2former("tiny", 82.1),
    _mask2former("small", 82.6),
    _mask2former("large", 83.3),
    Baseline(
        "DeepLabV3+, ResNet-101",
        STREETS,
        "mmseg:deeplabv3plus/deeplabv3plus_r101-d8_4xb2-80k_cityscapes-512x1024.py",
        weights="deeplabv3plus_r101-d8_512x1024_80k_cityscapes_20200606_114143-068fcfe9.pth",
        seen=WHOLE,
        miou=80.97,
        source=MMSEG,
    ),
    Baseline(
        "PSPNet, ResNet-101",
        STREETS,
        "mmseg:pspnet/pspnet_r101-d8_4xb2-80k_cityscapes-512x1024.py",
        weights="pspnet_r101-d8_512x1024_80k_cityscapes_20200606_112211-e1e1100f.pth",
        seen=WHOLE,
        miou=79.76,
        source=MMSEG,
    ),
    _coco_stuff(
        "DeepLabV3, ResNet-101",
        "deeplabv3/deeplabv3_r101-d8_4xb4-320k",
        "deeplabv3_r101-d8_512x512_4x4_320k_coco-stuff164k_20210709_155402-3cbca14d",
        42.61,
    ),
    _coco_stuff(
        "PSPNet, ResNet-101",
        "pspnet/pspnet_r101-d8_4xb4-320k",
        "pspnet_r101-d8_512x512_4x4_320k_coco-stuff164k_20210707_152004-72220c60",
        41.95,
    ),
    _maskformer(50, 37.1),
    _maskformer(101, 38.1),
    Baseline(
        "SegFormer-B5",
        "celebamask-hq",
        "hf:jonathandinu/face-parsing",
        seen="whole",
        source="its model card",
        misnamed=(
            *("background", "skin.png", "nose.png", "r_eye.png", "l_eye.png", "r_brow.png", "l_brow.png", "r_ear.png"),
            *("l_ear.png", "mouth.png", "u_lip.png", "l_lip.png", "neck.png", "hair.png", "neck_l.png", "cloth.png"),
            *("eye_g.png", "hat.png", "ear_r.png"),
        ),
        notes="until January 2024 its configuration named its classes in an order that was not theirs",
    ),
)


def misnamed(names: Sequence[str]) -> Baseline | None:
    """The published segmenter whose configuration once gave its classes these wrong names."""
    return next((one for one in BASELINES if one.misnamed and one.misnamed == tuple(names)), None)
