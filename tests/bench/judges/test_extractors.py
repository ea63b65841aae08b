"""Feature extractors on weights made here."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symmbench import datasets
from symmbench.bench import judges, metrics
from symmbench.bench.judges import Found, choose, weights
from symmbench.symmflow.errors import InputError


class StandIn(torch.nn.Module):
    """Shaped as clean-fid uses the FID Inception: `.layers` maps [B, 3, 299, 299] to 2,048 features."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.AvgPool2d(99), torch.nn.Flatten(), torch.nn.Linear(27, 2048))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_inception_path_with_a_stand_in_under_its_own_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the weights: pinned hash, TorchScript, clean-fid's resizing, the names of the metrics."""
    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path))
    card, file = datasets.card("mnist"), tmp_path / "inception-2015-12-05.pt"
    torch.manual_seed(0)
    model = StandIn().eval()
    torch.jit.script(model).save(str(file))
    with pytest.raises(InputError, match="is not inception"):
        choose("extractor", card, "inception")
    sha256 = weights.sha256(file)
    known = {**weights.KNOWN, "inception": replace(weights.KNOWN["inception"], sha256=sha256)}
    monkeypatch.setattr(weights, "KNOWN", known)
    chosen = choose("extractor", card)
    assert isinstance(chosen, Found) and chosen.identity == f"inception:{sha256}" and chosen.path == file
    images = np.random.default_rng(0).integers(0, 256, (1, 3, 40, 50), dtype=np.uint8)
    found = judges.load(chosen, card, "cpu")(images)  # a batch of one keeps its axis
    assert found.shape == (1, 2048)
    from PIL import Image

    channels = [
        np.asarray(Image.fromarray(c.astype(np.float32), mode="F").resize((299, 299), Image.Resampling.BICUBIC)).clip(
            0, 255
        )
        for c in images[0]
    ]
    with torch.inference_mode():
        expected = model((torch.from_numpy(np.stack(channels))[None] - 128) / 128)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_mobilenet_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import mobilenet_v2

    card, file = datasets.card("fashion-mnist"), tmp_path / weights.KNOWN["mobilenet-v2"].file
    torch.save(mobilenet_v2(weights=None).state_dict(), file)
    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(
        weights.KNOWN, "mobilenet-v2", replace(weights.KNOWN["mobilenet-v2"], sha256=weights.sha256(file))
    )
    chosen = choose("extractor", card)  # the Inception, which the card prefers, is not there
    assert isinstance(chosen, Found) and chosen.identity == f"mobilenet-v2:{weights.sha256(file)}"
    features = judges.load(chosen, card, "cpu")
    gray = np.random.default_rng(0).integers(0, 256, (2, 1, 28, 28), dtype=np.uint8)
    assert features(gray).shape == (2, 1280)
    with pytest.raises(ValueError, match="need uint8"):
        features(gray.astype(np.float32))


def test_only_features_of_the_inception_make_a_fid() -> None:
    def named(metric: str, extractor: str) -> str:
        return metrics.metric(metric).named(metrics.Subject((), masks=True, judges={"extractor": extractor}))

    assert named("fid", "inception") == "fid" and named("kid", "mobilenet-v2") == "kid[mobilenet-v2]"
