"""Semantic image synthesis: an image of a label, which is a mask or a class."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Batch, Card
from ...methods import Method, Sampling
from ...symmflow.pixels import to_uint8
from .task import Array, Inputs, Look, Tables, Task, confusion_columns, copied, images_fault

if TYPE_CHECKING:
    from torch import Tensor

    from ..protocols import Rules


class Synthesize(Task):
    """Labels in, images out; judged beside the real images of the same ids."""

    name, verb, dataset = "sis", "synthesize", "digit-scenes"
    draws = several = True

    def policy(self, card: Card, rules: Rules, samples: int) -> dict[str, Any]:
        return super().policy(card, rules, samples) | {
            "uint8": f"{rules.rounding}, after clamping to [-1, 1]",
            "reference": "the real images of the same ids, rounded to 8 bits",
            "samples per label": samples,
            "kid": "all pairs, polynomial kernel of degree 3",
            "lpips pairs": "all pairs of samples of a label",
        }

    def results(self, method: Method, inputs: Inputs, sampling: Sampling, rounding: str) -> Iterator[Tensor]:
        return method.synthesize(inputs.labels, sampling)

    def tensor(self, result: Tensor) -> Tensor:
        return result

    def fault(self, result: Any, card: Card, count: int) -> str:
        return images_fault(result, card, count)

    def array(self, result: Tensor, rounding: str) -> Array:
        return to_uint8(copied(result.float()), rounding)

    def rows(self, batch: Batch, real: int, outputs: Sequence[Any], look: Look) -> Tables:
        samples, genuine = [images[:real] for images in outputs], to_uint8(batch.images[:real])
        if not look.paired:
            whole = [{"id": batch.ids[:real], **_features(images, look)} for images in samples]
            return {"samples": _flat(_joined(whole))}
        seen = [_seen(batch, images, look) for images in samples]
        tables = {name: _joined([one[name] for one in seen]) for name in seen[0]}
        table = tables["samples"] | {"draw": np.repeat(np.arange(len(samples)), real)}
        apart: dict[str, Any] = {}
        if distance := look.judge("lpips"):
            table["lpips_gt"] = np.concatenate([distance(images, genuine) for images in samples])
            apart["lpips_diversity"] = samples, distance
        if "features" in table:
            wide = [one["samples"]["features"].astype(np.float64) for one in seen]
            apart["feature_diversity"] = wide, lambda a, b: np.linalg.norm(a - b, axis=1)
        if len(samples) > 1:  # mean over pairs of the samples of each label, at every sample of it
            for column, (drawn, between) in apart.items():
                pairs = [between(a, b) for a, b in combinations(drawn, 2)]
                table[column] = np.tile(np.mean(pairs, axis=0), len(samples))
        return tables | {"samples": _flat(table)}

    def real_rows(self, batch: Batch, look: Look) -> Tables:
        tables = _seen(batch, to_uint8(batch.images), look)
        return tables | {"samples": _flat(tables["samples"])}

    def exported(self, card: Card, ids: Sequence[str], outputs: Sequence[Array]) -> dict[str, bytes]:
        ends = [f"_{draw}" for draw in range(len(outputs))] if len(outputs) > 1 else [""]
        return {
            f"{own}{end}.png": _png(image)
            for end, images in zip(ends, outputs, strict=True)
            for own, image in zip(ids, images, strict=False)
        }

    def shown(self, output: Array) -> Array:
        return output


def _seen(batch: Batch, images: Array, look: Look) -> Tables:
    """What extractor and aligner make of some images uint8 [n, C, H, W] of a batch's first labels."""
    ids, labels = batch.ids[: len(images)], batch.labels[: len(images)]
    samples: dict[str, Any] = {"id": np.asarray(ids, dtype=object)}
    tables: Tables = {"samples": samples}
    samples |= _features(images, look)
    if align := look.judge("aligner"):
        found = align(images)
        if look.card.has_masks:
            tables["alignment"] = confusion_columns(ids, labels, found, len(look.card.classes))
        else:
            samples |= {"aligned": found == labels, "seen": found}
    return tables


def _png(image: Array) -> bytes:
    """uint8 [C, H, W] of one or three channels as a file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)).save(buffer, "PNG")
    return buffer.getvalue()


def _features(images: Array, look: Look) -> dict[str, Array]:
    return {"features": extract(images)} if (extract := look.judge("extractor")) else {}


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


def _flat(table: dict[str, Any]) -> dict[str, Any]:
    """Columns of a table: features [n, D] become a list of n rows."""
    return {name: list(values) if values.ndim > 1 else values for name, values in table.items()}
