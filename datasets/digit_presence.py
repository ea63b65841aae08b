"""Which digits are in the picture: trains the `digits-cnn` feature extractor; nothing is evaluated on it."""

from __future__ import annotations

import numpy as np

from ..symmflow.noise import generator
from .card import Card
from .dataset import Embedded
from .digit_scenes import DIGIT_SCENES
from .digits import DIGITS, SIZES
from .split import Array

VERSION = "digit-presence@1"
CONTENT = {
    "train": "9cf0913aa24541e1a7fbbd3cfb73d8a749b65bb74ca71bdfe501fbe3c2e8efeb",
    "validation": "670c674412986e2c5bc31a99fb6d09ca11b7a010e22fd4e25c8fa1254c8b2ccd",
}
"""Content hashes of the splits as this version makes them."""
COPIES = 4
"""Of each single digit: one in grey, the others in drawn colours."""


class DigitPresence(Embedded):
    card = Card(
        name="digit-presence",
        title="Scenes and single digits, labelled by the digits they show (trains the feature extractor)",
        tasks=(),
        classes=tuple("0123456789"),
        shape=(3, 32, 32),
        splits={split: DIGIT_SCENES.card.splits[split] + COPIES * SIZES[split] for split in ("train", "validation")},
        licence="as digit-scenes",
        redistributable=True,
        source="composed from the same splits of digit-scenes and digits",
        obtain="Nothing to get.",
        judges=(),
        notes="Labels are ten flags an image. Single digits fill the image, in grey or in two drawn colours.",
    )
    content = CONTENT

    def ids(self, split: str) -> tuple[str, ...]:
        single = DIGITS.ids(split)
        return (*DIGIT_SCENES.ids(split), *(f"{digit}-{copy}" for copy in range(COPIES) for digit in single))

    def arrays(self, split: str) -> tuple[Array, Array]:
        scenes, masks = DIGIT_SCENES.arrays(split)
        present = np.stack([(masks == k + 1).any(axis=(1, 2)) for k in range(10)], axis=1)
        single, classes = DIGITS.arrays(split)
        gray = np.stack([_enlarge(image[0]) for image in single]) / 255  # [N, 32, 32] in [0, 1]
        images, flags = [scenes], [present.astype(np.int64)]
        for copy in range(COPIES):
            ends = np.tile(np.array([[0.0] * 3, [255.0] * 3]), (len(gray), 1, 1))  # paper and ink, [N, 2, 3]
            if copy:
                ends = generator(VERSION, split, copy).uniform(0, 255, size=ends.shape)
            paper, ink = ends[:, 0, :, None, None], ends[:, 1, :, None, None]
            images.append(np.round(paper + (ink - paper) * gray[:, None]).astype(np.uint8))
            flags.append(np.eye(10, dtype=np.int64)[classes])
        return np.concatenate(images), np.concatenate(flags)


DIGIT_PRESENCE = DigitPresence()


def _enlarge(image: Array) -> Array:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR), dtype=np.float64)
