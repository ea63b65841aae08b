"""LPIPS (Zhang et al. 2018) through the `lpips` package. Two metrics that published tables mix:

`lpips_gt`: distance of a sample to the real image (lower is closer). `lpips_diversity`: mean distance over pairs of
samples of one label (higher is more diverse). Without the backbone's pretrained weights there is no LPIPS, never a
random one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Card
from . import weights

if TYPE_CHECKING:
    from torch import nn

SMALLEST = 32
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Two batches uint8 [B, C, H, W] -> distance [B], float32."""


@dataclass(frozen=True)
class Backbone:
    """LPIPS weights on this machine."""

    name: str
    sha256: str
    path: Path


def plan(card: Card) -> Backbone | str:
    """LPIPS on AlexNet, the papers' and the package's default, or why there is none."""
    if min(card.size, default=0) < SMALLEST:
        return f"AlexNet needs images of at least {SMALLEST}x{SMALLEST}"
    path = weights.find("lpips-alex")
    if path is None:
        return "AlexNet's weights are not on this machine (`bench data get lpips-alex`)"
    return Backbone("lpips-alex", weights._sha256(path, path.stat().st_mtime_ns, path.stat().st_size), path)


def load(backbone: Backbone, device: str) -> Distance:
    import torch

    network = build()
    features = torch.load(backbone.path, map_location="cpu", weights_only=True)
    load_backbone(network, {k.removeprefix("features."): v for k, v in features.items() if k.startswith("features.")})
    return as_distance(network.to(device), device)


def build() -> Any:
    """LPIPS with its trained linear heads (they come with the package) on a random AlexNet."""
    import warnings

    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision deprecates the argument that lpips passes
        return lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)


def load_backbone(network: Any, features: dict[str, Any]) -> None:
    """Put AlexNet's `features` state dict ("0.weight", ...) into the slices that lpips cuts it into."""
    for index in range(1, network.net.N_slices + 1):
        piece: nn.Module = getattr(network.net, f"slice{index}")
        piece.load_state_dict({k: features[k] for k in piece.state_dict()})


def as_distance(network: Any, device: str) -> Distance:
    import torch

    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        def signal(images: np.ndarray) -> torch.Tensor:
            rgb = images if images.shape[1] == 3 else np.repeat(images[:, :1], 3, axis=1)
            return torch.from_numpy(np.ascontiguousarray(rgb)).to(device) / 127.5 - 1

        with torch.inference_mode():
            return network(signal(a), signal(b)).reshape(len(a)).float().cpu().numpy()

    return distance
