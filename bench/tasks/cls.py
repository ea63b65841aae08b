"""Classification: one class an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...datasets import Batch, Card
from ...methods import Classification, Method, Sampling
from .task import Array, Inputs, Look, Tables, Task, classes_fault, copied

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from ..protocols import Rules


class Classify(Task):
    """Images in, class ids and scores out."""

    name, verb, dataset = "cls", "classify", "digits"
    pictured = False

    def policy(self, card: Card, rules: Rules, samples: int) -> dict[str, Any]:
        return super().policy(card, rules, samples) | {"calibration bins": 15}

    def results(self, method: Method, inputs: Inputs, sampling: Sampling, rounding: str) -> Iterator[Classification]:
        return method.classify(inputs.images, sampling)

    def tensor(self, result: Classification) -> Tensor:
        return result.scores

    def fault(self, result: Any, card: Card, count: int) -> str:
        import torch

        if not isinstance(result, Classification):
            return f"a {type(result).__name__} instead of a Classification"
        if fault := classes_fault(result.classes, (count,), len(card.classes)):
            return fault
        scores, shape = result.scores, (count, len(card.classes))
        if not isinstance(scores, torch.Tensor) or not scores.is_floating_point() or tuple(scores.shape) != shape:
            return f"scores that are not floating-point {list(shape)}"
        if not scores.isfinite().all():
            return "scores that are not finite"
        if not isinstance(result.scale, str) or not result.scale:
            return "scores on a scale without a name"
        if result.scale == "probability" and not _are_probabilities(scores):
            return "probabilities that are negative, or do not sum to 1"
        best = scores.gather(1, result.classes[:, None])[:, 0] == scores.amax(dim=1)
        return "" if best.all() else "classes that do not have the best score"

    def array(self, result: Classification, rounding: str) -> tuple[Array, Array, str]:
        return copied(result.classes), copied(result.scores.float()), result.scale

    def rows(self, batch: Batch, real: int, outputs: Sequence[Any], look: Look) -> Tables:
        classes, scores, scale = outputs[0]
        made = {"label": batch.labels[:real], "prediction": classes[:real], "scores": list(scores[:real])}
        return {"samples": {"id": list(batch.ids[:real]), **made, "scale": [scale] * real}}

    def exported(self, card: Card, ids: Sequence[str], outputs: Sequence[Any]) -> dict[str, pd.DataFrame]:
        import pandas as pd

        _, scores, scale = outputs[0]
        columns = {name: scores[: len(ids), k] for k, name in enumerate(card.classes)}
        return {"scores.csv": pd.DataFrame({"id": list(ids), **columns, "scale": scale})}

    def shown(self, output: tuple[Array, Array, str]) -> Array:
        return output[0]


def _are_probabilities(scores: Tensor) -> bool:
    """Within what half precision rounds."""
    return bool((scores >= 0).all() and ((scores.float().sum(dim=1) - 1).abs() < 0.01).all())
