"""LPIPS."""

import warnings

import numpy as np
import torch

from symmbench.bench.judges import lpips_alex


def test_lpips_equals_torchmetrics_on_the_same_backbone() -> None:
    from torchmetrics.functional.image.lpips import _LPIPS

    ours = lpips_alex.build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = _LPIPS(net="alex", pnet_rand=True, pretrained=True)
    backbone = {k.split(".", 1)[1]: v for k, v in oracle.net.state_dict().items()}
    lpips_alex.load_backbone(ours, backbone)
    random = np.random.default_rng(0)
    a, b = random.integers(0, 256, (2, 4, 3, 64, 64), dtype=np.uint8)
    distance = lpips_alex.as_distance(ours, "cpu")
    expected = oracle(torch.from_numpy(a) / 127.5 - 1, torch.from_numpy(b) / 127.5 - 1).flatten().detach().numpy()
    np.testing.assert_allclose(distance(a, b), expected, rtol=1e-5)
    assert (expected > 0).all() and np.abs(distance(a, a)).max() == 0
    gray = a[:, :1]
    assert distance(gray, b[:, :1]).shape == (4,)
