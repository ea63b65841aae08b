"""torchvision's MobileNetV2, trained on ImageNet, as a feature extractor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .extractors import Pretrained
from .judge import Found

if TYPE_CHECKING:
    from torch import Tensor


class MobileNetV2(Pretrained):
    """The mean of the last feature map; images resized as clean-fid does."""

    name = "mobilenet-v2"
    what = "torchvision's MobileNetV2 behind clean-fid's resizer, its last feature map, 1,280-d"

    def network(self, found: Found, device: str) -> Callable[[np.ndarray], Tensor]:
        import torch
        from cleanfid.resize import make_resizer
        from torchvision.models import mobilenet_v2

        network = mobilenet_v2(weights=None)
        network.load_state_dict(torch.load(found.path, map_location="cpu", weights_only=True))
        network.eval().to(device)
        resize = make_resizer("PIL", False, "bicubic", (224, 224))
        mean = torch.tensor([0.485, 0.456, 0.406], device=device).reshape(1, 3, 1, 1)
        spread = torch.tensor([0.229, 0.224, 0.225], device=device).reshape(1, 3, 1, 1)

        def run(images: np.ndarray) -> Tensor:
            large = np.stack([resize(image.transpose(1, 2, 0)) for image in images])  # [B, 224, 224, 3] in 0-255
            x = torch.from_numpy(large.transpose(0, 3, 1, 2)).to(device) / 255
            return network.features((x - mean) / spread).mean(dim=(2, 3))

        return run


MOBILENET_V2 = MobileNetV2()
