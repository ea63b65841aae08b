"""The FID Inception, with clean-fid's own resizing: the one extractor whose figures are called `fid` and `kid`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...symmflow.errors import InputError
from . import weights
from .extractors import Pretrained
from .judge import Found

if TYPE_CHECKING:
    from torch import Tensor


class Inception(Pretrained):
    """clean-fid's resizer (PIL bicubic in float) and Inception; TorchScript only at the pinned SHA-256."""

    name = "inception"
    what = "the FID Inception behind clean-fid's resizer, 2,048-d"

    def network(self, found: Found, device: str) -> Callable[[np.ndarray], Tensor]:
        import torch
        from cleanfid.inception_torchscript import InceptionV3W
        from cleanfid.resize import build_resizer

        known = weights.KNOWN[self.name]
        if found.path.name != known.file or not known.matches(found.path):
            raise InputError(
                f"{found.path} is not the FID Inception; TorchScript runs code, so no other file is loaded."
            )
        network = InceptionV3W(str(found.path.parent), download=False, resize_inside=False).to(device)
        resize = build_resizer("clean")

        def run(images: np.ndarray) -> Tensor:
            large = np.stack([resize(image.transpose(1, 2, 0)) for image in images])  # [B, 299, 299, 3] in 0-255
            return network(torch.from_numpy(large.transpose(0, 3, 1, 2)).to(device))

        return run


INCEPTION = Inception()
