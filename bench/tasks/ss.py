"""Semantic segmentation: a class a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Batch, Card
from ...datasets.view import nearest
from ...methods import Method, Sampling, Segmentation
from ..records.evidence import mask_png
from .task import Array, Inputs, Look, Tables, Task, classes_fault, confusion_columns, copied

if TYPE_CHECKING:
    from torch import Tensor

    from ..protocols import Rules


class Segment(Task):
    """Images in, masks out."""

    name, verb, dataset = "ss", "segment", "digit-scenes"

    def policy(self, card: Card, rules: Rules, samples: int) -> dict[str, Any]:
        chosen = super().policy(card, rules, samples)
        if rules.scored_at == "original":
            chosen["scored at"] = "the size of the original mask, to which predictions are brought by nearest"
        return chosen

    def results(self, method: Method, inputs: Inputs, sampling: Sampling, rounding: str) -> Iterator[Segmentation]:
        return method.segment(inputs.images, sampling)

    def tensor(self, result: Segmentation) -> Tensor:
        return result.classes

    def fault(self, result: Any, card: Card, count: int) -> str:
        if not isinstance(result, Segmentation):
            return f"a {type(result).__name__} instead of a Segmentation"
        return classes_fault(result.classes, (count, *card.size), len(card.classes))

    def array(self, result: Segmentation, rounding: str) -> Array:
        return copied(result.classes)

    def rows(self, batch: Batch, real: int, outputs: Sequence[Any], look: Look) -> Tables:
        ids, masks = list(batch.ids[:real]), outputs[0][:real]
        classes = len(look.card.classes)
        if batch.originals:
            counts = at_original_size(ids, batch.originals[:real], masks, classes)
        else:
            counts = confusion_columns(ids, batch.labels[:real], masks, classes)
        return {"confusion": counts, "samples": {"id": ids, "png": list(map(mask_png, masks))}}

    def exported(self, card: Card, ids: Sequence[str], outputs: Sequence[Array]) -> dict[str, bytes]:
        return {f"{own}.png": mask_png(mask) for own, mask in zip(ids, outputs[0], strict=False)}

    def shown(self, output: Array) -> Array:
        return output


def at_original_size(ids: Sequence[str], truth: Sequence[Array], predicted: Array, num_classes: int) -> dict[str, Any]:
    """Confusion counts at the sizes of the true masks, [h, w] each: as many rows an image as at any other size."""
    tables = [
        confusion_columns([one], mask[None], nearest(made, mask.shape)[None], num_classes)
        for one, mask, made in zip(ids, truth, predicted, strict=True)
    ]
    return {column: np.concatenate([table[column] for table in tables]) for column in tables[0]}
