"""Feature extractors for Fréchet distance and KID: clean-fid's Inception, MobileNetV2, and the bundled digits-cnn.

A figure is called `fid` only when its features are the FID Inception's; any other extractor's name is part of the
metric's name. `plan` chooses without importing torch; `load` makes the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Card
from ...methods import registry
from ...symmflow.errors import InputError, unknown
from . import weights

if TYPE_CHECKING:
    from torch import Tensor

NAMES = ("inception", "mobilenet-v2", "digits-cnn")
Features = Callable[[np.ndarray], np.ndarray]
"""uint8 [B, C, H, W] -> float32 [B, D]."""


@dataclass(frozen=True)
class Extractor:
    """A chosen extractor: its name, the SHA-256 of its weights, where they lie, and the names of its metrics."""

    name: str
    sha256: str
    path: Path

    def metric(self, family: str) -> str:
        """`fid` or `kid` as this extractor may be called."""
        return metric_name(family, self.name)


def metric_name(family: str, extractor: str) -> str:
    """`fid` for the FID Inception's features, `fid[digits-cnn]` for any other's."""
    return family if extractor == "inception" else f"{family}[{extractor}]"


def plan(card: Card, wanted: str = "auto") -> Extractor | str:
    """The extractor for a data set, or why there is none.

    `auto`: digits-cnn for the embedded data; elsewhere the Inception if its weights are here, then MobileNetV2, then
    digits-cnn where the classes are digits.
    """
    if wanted != "auto":
        if wanted not in NAMES:
            raise unknown("extractor", wanted, NAMES)
        order: tuple[str, ...] = (wanted,)
    elif card.embedded:
        order = ("digits-cnn",)
    else:
        order = NAMES if card.digits else NAMES[:2]
    for name in order:
        if name == "digits-cnn":
            checkpoint = registry.checkpoint("cnn", "digit-presence")
            return Extractor(name, checkpoint.fingerprint, checkpoint.path)
        if (path := weights.find(name)) is not None:
            return Extractor(name, weights._sha256(path, path.stat().st_mtime_ns, path.stat().st_size), path)
    missing = " or ".join(order)
    if wanted != "auto":
        raise InputError(
            f"the weights of {missing} are not on this machine; fetch them with `bench data get {wanted}`."
        )
    return f"no weights of {missing} on this machine (`bench data get {order[0]}`)"


def load(extractor: Extractor, device: str) -> Features:
    """The extractor as a function from uint8 images to features."""
    import torch

    network = {"inception": _inception, "mobilenet-v2": _mobilenet, "digits-cnn": _digits_cnn}[extractor.name](
        extractor, device
    )

    def features(images: np.ndarray) -> np.ndarray:
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(f"features need uint8 [B, C, H, W], not {images.dtype} {images.shape}")
        rgb = images if images.shape[1] == 3 else np.repeat(images[:, :1], 3, axis=1)
        with torch.inference_mode():
            out = network(rgb).float().cpu().numpy()
        if out.ndim != 2 or len(out) != len(images):
            raise ValueError(f"features came out as {out.shape} for {len(images)} images")
        return out

    return features


def _inception(extractor: Extractor, device: str) -> Callable[[np.ndarray], Tensor]:
    """clean-fid's own resizer (PIL bicubic in float) and Inception; TorchScript only at the pinned SHA-256."""
    import torch
    from cleanfid.inception_torchscript import InceptionV3W
    from cleanfid.resize import build_resizer

    if not extractor.path.name == weights.KNOWN["inception"].file or not weights.KNOWN["inception"].matches(
        extractor.path
    ):
        raise InputError(
            f"{extractor.path} is not the FID Inception; TorchScript runs code, so no other file is loaded."
        )
    network = InceptionV3W(str(extractor.path.parent), download=False, resize_inside=False).to(device)
    resize = build_resizer("clean")

    def run(images: np.ndarray) -> Tensor:
        large = np.stack([resize(image.transpose(1, 2, 0)) for image in images])  # [B, 299, 299, 3] in 0-255
        return network(torch.from_numpy(large.transpose(0, 3, 1, 2)).to(device))

    return run


def _mobilenet(extractor: Extractor, device: str) -> Callable[[np.ndarray], Tensor]:
    """torchvision's MobileNetV2 (ImageNet), mean of the last feature map, 1,280-d; images resized as clean-fid does."""
    import torch
    from cleanfid.resize import make_resizer
    from torchvision.models import mobilenet_v2

    network = mobilenet_v2(weights=None)
    network.load_state_dict(torch.load(extractor.path, map_location="cpu", weights_only=True))
    network.eval().to(device)
    resize = make_resizer("PIL", False, "bicubic", (224, 224))
    mean = torch.tensor([0.485, 0.456, 0.406], device=device).reshape(1, 3, 1, 1)
    spread = torch.tensor([0.229, 0.224, 0.225], device=device).reshape(1, 3, 1, 1)

    def run(images: np.ndarray) -> Tensor:
        large = np.stack([resize(image.transpose(1, 2, 0)) for image in images])
        x = torch.from_numpy(large.transpose(0, 3, 1, 2)).to(device) / 255
        return network.features((x - mean) / spread).mean(dim=(2, 3))

    return run


def _digits_cnn(extractor: Extractor, device: str) -> Callable[[np.ndarray], Tensor]:
    """The bundled classifier of which digits a 32x32 image shows, 64-d."""
    import torch

    from ... import datasets
    from ...methods.parts.cnn import CNN
    from ...symmflow.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(extractor.path)
    network = registry.method("cnn").network(checkpoint.recipe, datasets.card("digit-presence"))
    assert isinstance(network, CNN)
    checkpoint.load_into(network)
    network.eval().to(device)
    return lambda images: network.features(torch.from_numpy(images).to(device) / 127.5 - 1)
