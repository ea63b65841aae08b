"""The moving average is diffusers' `EMAModel`, to the bit."""

from __future__ import annotations

import pytest
import torch
from diffusers.training_utils import EMAModel

from symmbench.symmflow.train.average import MovingAverage


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.9999])
def test_equals_diffusers(decay: float) -> None:
    """From the first update on, past the step where the decay is reached, with parameters that are not trained."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 3))
    network[1].bias.requires_grad_(False)
    ours = MovingAverage(network, decay)
    theirs = EMAModel(network.parameters(), decay=decay, foreach=True)
    for number in range(1, 120):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        ours.update(network, number)
        theirs.step(network.parameters())
        assert list(ours.values) == ["0.weight", "0.bias", "1.weight", "1.bias"]
        assert all(torch.equal(a, b) for a, b in zip(ours.values.values(), theirs.shadow_params, strict=True)), number
