"""Which digits are in the picture: trains the `digits-cnn` feature extractor; nothing is evaluated on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..symmflow.noise import generator
from . import digit_scenes, digits
from .card import Card, Split

CARDS = {
    "digit-presence": Card(
        name="digit-presence",
        title="Scenes and single digits, labelled by the digits they show (trains the feature extractor)",
        tasks=(),
        classes=tuple("0123456789"),
        shape=(3, 32, 32),
        splits={"train": 20_000 + 4 * digits.SIZES["train"], "validation": 500 + 4 * digits.SIZES["validation"]},
        licence="as digit-scenes",
        source="composed from the same splits of digit-scenes and digits",
        obtain="Nothing to get.",
        embedded=True,
        digits=True,
        notes="Labels are ten flags an image. Single digits fill the image, in grey or in two drawn colours.",
    )
}


def read(card: Card, split: str, root: Path | None) -> Split:
    scenes = digit_scenes.read(digit_scenes.CARDS["digit-scenes"], split, None)
    present = np.stack([(scenes.labels == k + 1).any(axis=(1, 2)) for k in range(10)], axis=1)
    single = digits.read(digits.CARDS["digits"], split, None)
    ids, images = [*scenes.ids], [scenes.images]
    flags = [present.astype(np.int64)]
    for copy in range(4):
        gray = np.stack([_enlarge(image[0]) for image in single.images]) / 255  # [N, 32, 32] in [0, 1]
        ends = np.tile(np.array([[0.0] * 3, [255.0] * 3]), (len(gray), 1, 1))  # paper and ink, [N, 2, 3]
        if copy:
            ends = generator("digit-presence@1", split, copy).uniform(0, 255, size=ends.shape)
        paper, ink = ends[:, 0, :, None, None], ends[:, 1, :, None, None]
        images.append(np.round(paper + (ink - paper) * gray[:, None]).astype(np.uint8))
        flags.append(np.eye(10, dtype=np.int64)[single.labels])
        ids += [f"{sample_id}-{copy}" for sample_id in single.ids]
    return Split(card, split, tuple(ids), np.concatenate(images), np.concatenate(flags))


def _enlarge(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR), dtype=np.float64)
