"""Scenes of real digits on real photographs with exact masks: the embedded segmentation and synthesis benchmark.

Two or three digits of `digits`, coloured, 12-18 pixels high, over a crop of one of the two photographs that
scikit-learn ships, 32x32. Colour, size, position and background are drawn independently of the class. A scene is a pure
function of its id. Splits share neither digits nor parts of the photographs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..symmflow.noise import generator
from .card import Card
from .dataset import Embedded
from .digits import JUDGES, digit_images, positions
from .split import Array

SIDE, TILE = 32, 64
VERSION = "digit-scenes@1"
CONTENT = {
    "train": "6faeb66812bc9fed4886caf580a073353cdd84d9cdf3eb6109fc39cd8da56855",
    "validation": "e3e6c10530d604307320095ed0bddd4f7c35fb05ae80b167dd1db606d6f52fc1",
    "test": "b0cbd46eac29bda4e1087f0706b190ab6ee6afe68b918e5fc9ca302b5c414a99",
}
"""Content hashes of the splits as this version makes them."""

# Corners and face centres of the colour cube: with 11 colours, neighbours lie as far apart as the cube allows.
PALETTE = (
    (0, 0, 0),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
    (255, 128, 128),
    (128, 255, 128),
    (128, 128, 255),
)


class DigitScenes(Embedded):
    card = Card(
        name="digit-scenes",
        title="Coloured real digits over photographs, 32x32, with masks",
        tasks=("ss", "sis"),
        classes=("background", *"0123456789"),
        shape=(3, SIDE, SIDE),
        splits={"train": 20_000, "validation": 500, "test": 1_000},
        licence="digits CC BY 4.0, photographs CC BY 2.0 (scikit-learn's sample images)",
        redistributable=True,
        source="composed from scikit-learn's digits and sample images",
        obtain="Nothing to get: it is composed from what scikit-learn ships.",
        palette=PALETTE,
        judges=JUDGES,
        notes="Digits and photograph tiles of the three splits are disjoint; later digits lie over earlier ones.",
    )
    content = CONTENT

    def arrays(self, split: str) -> tuple[Array, Array]:
        return _scenes(self.ids(split))


DIGIT_SCENES = DigitScenes()


@lru_cache(maxsize=2)
def _scenes(ids: tuple[str, ...]) -> tuple[Array, Array]:
    images = np.empty((len(ids), 3, SIDE, SIDE), dtype=np.uint8)
    masks = np.empty((len(ids), SIDE, SIDE), dtype=np.uint8)
    for row, scene_id in enumerate(ids):
        images[row], masks[row] = scene(scene_id)
    return images, masks


def scene(scene_id: str) -> tuple[Array, Array]:
    """A scene from its id (`test-00017`): image uint8 [3, 32, 32] and class ids uint8 [32, 32]."""
    split = scene_id.rpartition("-")[0]
    random = generator(VERSION, scene_id)
    digits, labels = digit_images()
    pool = _pool(split)
    canvas = _background(split, random)
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    boxes: list[tuple[int, int, int, int]] = []
    for _ in range(int(random.integers(2, 4))):
        which = int(pool[random.integers(len(pool))])
        height = int(random.integers(12, 19))
        width = max(8, round(height * random.uniform(0.7, 1.0)))
        top, left = _place(height, width, boxes, random)
        boxes.append((top, left, height, width))
        ink = _stretch(digits[which] / 16, height, width)  # [h, w] in [0, 1]
        window = (slice(top, top + height), slice(left, left + width))
        cover = np.clip((ink - 0.25) / 0.35, 0, 1)[..., None]
        color = _color(canvas[window], cover, random)
        canvas[window] = canvas[window] * (1 - cover) + color * cover
        mask[window][ink > 0.43] = labels[which] + 1
    return np.clip(np.round(canvas), 0, 255).astype(np.uint8).transpose(2, 0, 1), mask


def _place(
    height: int, width: int, boxes: list[tuple[int, int, int, int]], random: np.random.Generator
) -> tuple[int, int]:
    """The one of eight drawn positions that overlaps earlier digits least."""
    best, least = (0, 0), float("inf")
    for _ in range(8):
        top = int(random.integers(0, SIDE - height + 1))
        left = int(random.integers(0, SIDE - width + 1))
        overlap = sum(
            max(0, min(top + height, t + h) - max(top, t)) * max(0, min(left + width, le + w) - max(left, le))
            for t, le, h, w in boxes
        )
        if overlap < least:
            best, least = (top, left), overlap
    return best


def _color(under: Array, cover: Array, random: np.random.Generator) -> Array:
    """A colour [3] that stands out from what it covers: the farthest of four drawn."""
    mean = (under * cover).sum(axis=(0, 1)) / max(float(cover.sum()), 1e-6)
    drawn = random.uniform(0, 255, size=(4, 3))
    return drawn[np.square(drawn - mean).sum(axis=1).argmax()]


def _stretch(image: Array, height: int, width: int) -> Array:
    """Bilinear resize in float64, [8, 8] -> [height, width]; pixel centres at (i + 0.5) / n."""
    return _weights(len(image), height) @ image @ _weights(image.shape[1], width).T


@lru_cache(maxsize=64)
def _weights(before: int, after: int) -> Array:
    """[after, before] linear interpolation matrix."""
    at = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    low = np.minimum(at.astype(int), before - 2)
    matrix = np.zeros((after, before))
    matrix[np.arange(after), low] = 1 - (at - low)
    matrix[np.arange(after), low + 1] = at - low
    return matrix


def _background(split: str, random: np.random.Generator) -> Array:
    """A crop within one tile of the split, resized to 32x32, maybe mirrored: float64 [32, 32, 3] in 0-255."""
    from PIL import Image

    tiles = _tiles(split)
    tile = tiles[int(random.integers(len(tiles)))]
    side = int(random.integers(SIDE, TILE + 1))
    top, left = (int(v) for v in random.integers(0, TILE - side + 1, size=2))
    crop = tile[top : top + side, left : left + side]
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    small = Image.fromarray(np.ascontiguousarray(crop)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float64)


@lru_cache(maxsize=3)
def _tiles(split: str) -> tuple[Array, ...]:
    """64x64 tiles of the two photographs that belong to a split: three of five train, one each the others."""
    from sklearn.datasets import load_sample_image

    owner = ("train", "train", "train", "validation", "test")
    tiles = []
    for name in ("china.jpg", "flower.jpg"):
        photo = load_sample_image(name)  # uint8 [427, 640, 3]
        for row in range(photo.shape[0] // TILE):
            for column in range(photo.shape[1] // TILE):
                if owner[(column + 3 * row) % 5] == split:
                    tiles.append(photo[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE])
    return tuple(tiles)


@lru_cache(maxsize=3)
def _pool(split: str) -> Array:
    return positions(split)
