"""The round trip through a recipe's autoencoder: what no model in its latents can exceed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ...symmflow.errors import InputError
from .asked import Asked, DataRoot, Device, Options
from .keywords import named

BATCH = 8


@dataclass(frozen=True)
class RoundTrip:
    """Images and masks, encoded to the mode and decoded; nothing is rounded in between."""

    recipe: str
    dataset: str
    split: str
    n: int
    latents: tuple[int, ...]
    """(c, h, w)."""
    sha256: str
    """Of the autoencoder's files."""
    psnr: float
    """dB, the mean over images, of values clamped to their range."""
    accuracy: float | None
    """Share of the pixels with a label that come back as it; None where the data have no masks."""
    miou: float | None
    """Mean over the classes that are there."""
    iou: Mapping[str, float | None]
    """By class; None: no pixel of it."""


@named
def roundtrip(
    recipe: str,
    *,
    overrides: Annotated[Options, Asked("Override a value: --set latents.weights=FOLDER.", "--set")] = {},  # noqa: B006
    dataset: Annotated[str | None, Asked("Data set. Default: the recipe's.", "--dataset", "-d", of="dataset")] = None,
    split: Annotated[str | None, Asked("Split of the data set. Default: test, or validation.")] = None,
    limit: Annotated[int | None, Asked("Only the first N images.", least=1)] = None,
    data_root: DataRoot = None,
    device: Device = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> RoundTrip:
    """What is lost in an autoencoder: PSNR of images, accuracy and IoU of masks in their colours, a class at a time.

    It is the ceiling of any segmentation in these latents. `progress` is told of images done, and in all.
    """
    import torch

    from ... import datasets, methods
    from ...methods.parts.labels import label_codec
    from ...methods.parts.latents import codec_facts, image_codec, space
    from ...symmflow.checkpoint import IMAGE_CODEC
    from ...symmflow.device import resolve_device

    chosen = methods.recipe(recipe, dict(overrides))
    if chosen.latents.codec == "pixels":
        raise InputError(f"{recipe} works on pixels, of which nothing is lost; choose a recipe with [latents].")
    root = Path(data_root) if data_root is not None else None
    name = datasets.named(dataset or chosen.dataset, None if dataset else chosen.data.size, chosen.data.crop)
    card, where = datasets.card(name, root), resolve_device(device)
    latents, codec = space(chosen, card), image_codec(chosen.latents)
    labels = label_codec(chosen.labels, card, codec) if card.has_masks else None
    split = split or card.default_split
    data = datasets.load(name, split, root).first(limit)
    k, psnr = len(card.classes), []
    confusion = np.zeros((k, k), dtype=np.int64)
    with torch.inference_mode():
        for start in range(0, len(data), BATCH):
            batch = data.batch(range(start, min(start + BATCH, len(data))))
            images = torch.from_numpy(batch.images).to(where)
            psnr.append(_psnr(codec.decode(codec.encode(images)), images))
            if labels is not None:
                masks = torch.from_numpy(batch.labels).to(where)
                back = labels.decode(labels.to_signal(labels.encode(masks, latents[1:])))
                confusion += _confusion(batch.labels, back.cpu().numpy(), k)
            if progress:
                progress(start + len(batch.ids), len(data))
    scores = _scores(confusion, card.classes) if labels is not None else {"accuracy": None, "miou": None, "iou": {}}
    return RoundTrip(
        chosen.name, card.name, split, len(data), latents, codec_facts(chosen)[IMAGE_CODEC],
        psnr=float(np.concatenate(psnr).mean()), **scores,
    )  # fmt: skip


def _psnr(made: Any, images: Any) -> np.ndarray:
    """10 log10(1 / MSE) of [0, 1], [B]; a perfect image counts as one level of 255 off in a pixel."""
    off = (made.clamp(-1, 1) - images).flatten(1).double() / 2
    least = 1 / (255**2 * off.shape[1])
    found: np.ndarray = (-10 * off.square().mean(dim=1).clamp_min(least).log10()).cpu().numpy()
    return found


def _confusion(truth: np.ndarray, predicted: np.ndarray, k: int) -> np.ndarray:
    from ..metrics.confusion import sparse_confusion

    _, gt, found, count = sparse_confusion(truth, predicted, k)
    dense = np.zeros((k, k), dtype=np.int64)
    np.add.at(dense, (gt, found), count)
    return dense


def _scores(confusion: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    right, there = np.diag(confusion), confusion.sum(axis=1)
    union = there + confusion.sum(axis=0) - right
    iou = {c: float(right[i] / union[i]) if there[i] else None for i, c in enumerate(classes)}
    found = [value for value in iou.values() if value is not None]
    return {"accuracy": float(right.sum() / confusion.sum()), "miou": float(np.mean(found)), "iou": iou}
