"""The unified models' own task: label -> image -> label, and image -> label -> image, by one checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Batch, Card
from ...methods import Method, Sampling, Support, no
from ...symmflow.pixels import from_uint8, to_uint8
from ...symmflow.recipe import Recipe
from .cls import Classify
from .results import Results
from .sis import Synthesize
from .ss import Segment
from .task import Array, Inputs, Look, Tables, Task, confusion_columns, copied

if TYPE_CHECKING:
    from torch import Tensor

    from ..protocols import Rules

Round = tuple["Tensor", "Tensor", "Tensor"]
"""Images of the labels, what they are seen as, images of what the real ones are seen as."""


class Cycle(Task):
    """Both ways round at equal steps."""

    name, verb, dataset = "cycle", "cycle", "digit-scenes"
    by_default, draws = False, True

    def parts(self, card: Card) -> tuple[str, ...]:
        return ("sis", "ss" if card.has_masks else "cls")

    def supports(self, kind: type[Method], steps: int | None, card: Card, recipe: Recipe | None = None) -> Support:
        if kind.ready_made:
            return no("its outputs are read, and what is made of them cannot be made again")
        return super().supports(kind, steps, card, recipe)

    def policy(self, card: Card, rules: Rules, samples: int) -> dict[str, Any]:
        return super().policy(card, rules, samples) | {"uint8": f"{rules.rounding}, after clamping to [-1, 1]"}

    def results(self, method: Method, inputs: Inputs, sampling: Sampling, rounding: str) -> Iterator[Round]:
        see = Segment() if inputs.labels.dim() > 1 else Classify()

        def once(part: Task, sampling: Sampling, *, images: Tensor, labels: Tensor) -> Any:
            (result,) = Results(part, method, method.card, Inputs(images, labels), sampling, rounding).each()
            return result

        def draw(labels: Tensor, sampling: Sampling) -> Tensor:
            made: Tensor = once(Synthesize(), sampling, images=inputs.images, labels=labels)
            return made

        for one in sampling.each():
            made = draw(inputs.labels, one)
            stored = to_uint8(made.float().cpu().numpy(), rounding)  # as a file of it would be read
            seen = once(see, one, images=_back(stored, inputs.images), labels=inputs.labels).classes
            there = once(see, one, images=inputs.images, labels=inputs.labels).classes
            yield made, seen, draw(there, one)

    def tensor(self, result: Round) -> Tensor:
        return result[2]

    def fault(self, result: Any, card: Card, count: int) -> str:
        return ""  # `results` checks each part

    def array(self, result: Round, rounding: str) -> tuple[Array, Array, Array]:
        made, seen, again = result
        return to_uint8(copied(made.float()), rounding), copied(seen), to_uint8(copied(again.float()), rounding)

    def rows(self, batch: Batch, real: int, outputs: Sequence[Any], look: Look) -> Tables:
        _, seen, again = (part[:real] for part in outputs[0])
        ids, labels, genuine = list(batch.ids[:real]), batch.labels[:real], to_uint8(batch.images[:real])
        samples: dict[str, Any] = {"id": ids}
        tables: Tables = {"samples": samples}
        if look.card.has_masks:
            tables["confusion"] = confusion_columns(ids, labels, seen, len(look.card.classes))
        else:
            samples["aligned"] = seen == labels
        if extract := look.judge("extractor"):
            there, here = (extract(x).astype(np.float64) for x in (again, genuine))
            samples["cycle_features"] = np.linalg.norm(there - here, axis=1)
        if distance := look.judge("lpips"):
            samples["cycle_lpips"] = distance(again, genuine)
        return tables

    def shown(self, output: tuple[Array, Array, Array]) -> Array:
        return output[0]


def _back(images: Array, like: Tensor) -> Tensor:
    """uint8 -> [-1, 1], on the device of `like`."""
    import torch

    return from_uint8(torch.from_numpy(images).to(like.device, like.dtype))
