"""Bundled networks that see classes in images, trained apart from every generative method, on the training split only.

What they see in a synthesis is compared with the labels that it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import datasets, methods
from ...datasets import Card
from ...methods import Foreign, Sampling
from ...symmflow.checkpoint import open_checkpoint
from ...symmflow.errors import InputError
from ...symmflow.noise import Draws
from ...symmflow.pixels import from_uint8
from ..records.missing import Missing
from .judge import Align, Found, Judge, Named, Role


class Aligner(Judge):
    """A discriminative method that was trained on the card's own data set: the bundled checkpoint, or one of the
    user's."""

    role: Role = "aligner"

    def __init__(
        self, method: str, kind: str, *, masks: bool, instead: str = "", checkpoint: str | None = None
    ) -> None:
        """`instead`: what to say of others that could judge where there is none."""
        self.name, self.kind, self.masks, self.runs, self.instead = method, kind, masks, (method,), instead
        self.checkpoint = checkpoint
        self.what = f"the bundled {kind} that was trained on the data set itself"

    def suits(self, card: Card) -> bool:
        return card.has_masks == self.masks

    def of(self, checkpoint: str) -> Aligner:
        return Aligner(self.name, self.kind, masks=self.masks, instead=self.instead, checkpoint=checkpoint)

    def find(self, card: Card) -> Found | Missing:
        if self.checkpoint is not None:
            return self._trained(card, self.checkpoint)
        if self.name not in methods.bundled(card.name):
            return Missing(f"no independent {self.kind} is bundled for {card.name}{self.instead}")
        checkpoint = methods.own_checkpoint(self.name, card.name)
        identity = f"{checkpoint.recipe.name}:{checkpoint.fingerprint}"
        return Found(self.name, self.role, identity, checkpoint.path)

    def _trained(self, card: Card, path: str) -> Found:
        opened = methods.checkpoint(self.name, card.name, path)
        if isinstance(opened, Foreign) or datasets.seen_by(opened.recipe, card, None) != card.name:
            raise InputError(f"judge {self.name} of {path} was not trained here on {card.name}; name one that was.")
        named = Named(self.name, path)
        return Found(self.name, self.role, f"{opened.recipe.name}:{opened.fingerprint}", opened.path, named)

    def load(self, found: Found, card: Card, device: str) -> Align:
        network = methods.method(self.name).load(open_checkpoint(found.path), card, device)
        return seeing(network.segment if self.masks else network.classify, device)


def seeing(see: Callable[..., Iterator[Any]], device: str) -> Align:
    """What a method without steps sees in images: its `segment` or `classify` as a judge."""
    import torch

    def align(images: np.ndarray) -> np.ndarray:
        x = from_uint8(torch.from_numpy(images).to(device))
        once = Sampling(Draws(0, [""] * len(x)))  # it draws none
        with torch.inference_mode():
            return next(iter(see(x, once))).classes.cpu().numpy()

    return align


UNET = Aligner(
    "unet",
    "segmenter",
    masks=True,
    instead=" (--judge hf:FOLDER or mmseg:CONFIG names one; --judge unet --judge-checkpoint FOLDER one trained here)",
)
CNN = Aligner(
    "cnn", "classifier", masks=False, instead=" (--judge cnn --judge-checkpoint FOLDER names one trained here)"
)
