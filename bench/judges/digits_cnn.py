"""The bundled extractor: a classifier of which digits a 32x32 image shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ... import datasets, methods
from ...datasets import Card
from ...symmflow.pixels import from_uint8
from .extractors import Extractor
from .judge import Found

if TYPE_CHECKING:
    from torch import Tensor

TRAINED_ON = "digit-presence"


class DigitsCNN(Extractor):
    """Its penultimate activations. They mean something where images show digits."""

    name = "digits-cnn"
    what = "the bundled classifier of digits, its penultimate activations, 64-d"

    def find(self, card: Card) -> Found:
        checkpoint = methods.own_checkpoint("cnn", TRAINED_ON)
        return self.found(checkpoint.fingerprint, checkpoint.path)

    def network(self, found: Found, device: str) -> Callable[[np.ndarray], Tensor]:
        import torch

        from ...methods.parts.cnn import CNN
        from ...symmflow.checkpoint import open_checkpoint

        checkpoint = open_checkpoint(found.path)
        network = methods.method("cnn").network(checkpoint.recipe, datasets.card(TRAINED_ON))
        assert isinstance(network, CNN)
        checkpoint.load_into(network)
        network.eval().to(device)
        return lambda images: network.features(from_uint8(torch.from_numpy(images).to(device)))


DIGITS_CNN = DigitsCNN()
