"""Classification: one class an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...datasets import Batch, Card
from ...methods import Classification, Method, Sampling
from .task import Array, Inputs, Look, Tables, Task, classes_fault, finite

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from ..protocols import Rules


class Classify(Task):
    """Images in, class ids and scores out."""

    name, verb, dataset = "cls", "classify", "digits"

    def policy(self, card: Card, rules: Rules, samples: int) -> dict[str, Any]:
        return super().policy(card, rules, samples) | {"calibration bins": 15}

    def results(self, method: Method, inputs: Inputs, sampling: Sampling, rounding: str) -> Iterator[Classification]:
        return iter(method.classify(inputs.images, sampling))

    def tensor(self, result: Classification) -> Tensor:
        return result.scores

    def fault(self, result: Any, card: Card, count: int) -> str:
        import torch

        if not isinstance(result, Classification):
            return f"a {type(result).__name__} instead of a Classification"
        if fault := classes_fault(result.classes, (count,), len(card.classes)):
            return fault
        if tuple(result.scores.shape) != (count, len(card.classes)) or not result.scores.isfinite().all():
            return f"scores are not finite [{count}, {len(card.classes)}]"
        if not result.scale:
            return "the scale of the scores has no name"
        best = result.scores.argmax(dim=1)
        return "" if torch.equal(best, result.classes) else "the best score is not the class"

    def array(self, result: Classification, rounding: str) -> tuple[Array, Array, str]:
        return result.classes.cpu().numpy(), finite(result.scores), result.scale

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
