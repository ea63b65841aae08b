"""LPIPS (Zhang et al. 2018) on AlexNet, the papers' and the package's default, through the `lpips` package.

Two metrics that published tables mix: `lpips_gt`, distance of a sample to the real image (lower is closer), and
`lpips_diversity`, mean distance over pairs of samples of one label (higher is more diverse). Without the backbone's
pretrained weights there is no LPIPS, never a random one.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Card
from ...symmflow.pixels import from_uint8
from ..records.missing import Missing
from . import weights
from .extractors import as_rgb
from .judge import Distance, Found, Judge, Role

if TYPE_CHECKING:
    from torch import nn

SMALLEST = 32


class LPIPSAlex(Judge):
    """Its trained heads come with the package, so that its version is a part of the identity."""

    name = "lpips-alex"
    role: Role = "lpips"
    what = "LPIPS on AlexNet, with the heads of the lpips package"

    def find(self, card: Card) -> Found | Missing:
        if min(card.size, default=0) < SMALLEST:
            return Missing(f"AlexNet needs images of at least {SMALLEST}x{SMALLEST}")
        path = weights.find(self.name)
        if path is None:
            return weights.Unfetched(
                f"AlexNet's weights are not on this machine (`bench data get {self.name}`)", (self.name,)
            )
        identity = f"{self.name}, lpips {version('lpips')}:{weights.sha256(path)}"
        return Found(self.name, self.role, identity, path)

    def load(self, found: Found, card: Card, device: str) -> Distance:
        import torch

        network, prefix = build(), "features."
        state = torch.load(found.path, map_location="cpu", weights_only=True)
        load_backbone(network, {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        return as_distance(network.to(device), device)


LPIPS_ALEX = LPIPSAlex()


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
            return from_uint8(torch.from_numpy(np.ascontiguousarray(as_rgb(images))).to(device))

        with torch.inference_mode():
            return network(signal(a), signal(b)).reshape(len(a)).float().cpu().numpy()

    return distance
