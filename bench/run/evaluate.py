"""One shard of a job through its method: network in, evidence out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Batch
from ...methods import Method
from ...symmflow.noise import Draws
from ...symmflow.solvers import ADAPTIVE
from ..metrics.confusion import sparse_confusion
from ..records.evidence import Shard, mask_png
from .cost import EvaluationCounter, peak_memory, stopwatch

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from .plan import Job

Steps = int | None
REPLAYS = 6
"""Batches of a cell whose network call is timed alone."""


@dataclass
class Judges:
    """The loaded evaluators of syntheses: functions from uint8 images [B, C, H, W], or None."""

    features: Callable[[np.ndarray], np.ndarray] | None = None
    align: Callable[[np.ndarray], np.ndarray] | None = None
    """-> class ids [B] or [B, H, W]."""
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


@dataclass
class Evaluator:
    """A loaded method and everything that its evaluation needs."""

    job: Job
    method: Method
    judges: Judges
    device: str
    batch_size: int
    warm: bool = False
    replays: dict[Steps, int] = field(default_factory=dict)
    """Batches whose network call is still to be timed alone, a step count."""
    outputs: dict[Steps, np.ndarray] = field(default_factory=dict)
    """What the method made of the first batch (class ids, masks or images), for previews."""

    def shard(
        self, positions: np.ndarray, steps: tuple[Steps, ...], advance: Callable[[int], None]
    ) -> dict[Steps, Shard]:
        """Evaluate the samples at `positions` at every step count; `advance(n)` is told of finished images."""
        rows: dict[Steps, list[dict[str, Any]]] = {s: [] for s in steps}
        batches: dict[Steps, list[dict[str, Any]]] = {s: [] for s in steps}
        size = min(self.batch_size, len(self.job.data))
        for start in range(0, len(positions), size):
            index = positions[start : start + size]
            real = len(index)
            # a fixed shape, so that kernels round alike: the last sample repeated, and the repeats dropped
            adaptive = self.job.cells[0].solver in ADAPTIVE  # takes samples one by one, each at its own cost
            batch = self.job.data.batch(index if adaptive else pad_to(index, size))
            if not self.warm:
                list(self._call(batch, (min(steps, key=lambda s: s or 0),), draw=0))
                self.warm = True
            draws = range(self.job.cells[0].samples_per_mask)
            made: dict[Steps, list[Any]] = {s: [] for s in steps}
            for draw in draws:
                for count, output, timing in self._call(batch, steps, draw):
                    made[count].append(output)
                    batches[count].append(timing)
            for count in steps:
                rows[count].append(self._rows(batch, real, made[count]))
                if index[0] == 0:
                    first = made[count][0]
                    self.outputs[count] = (first if isinstance(first, np.ndarray) else first[0])[:real]
            advance(real * len(steps))
        return {s: Shard(as_tables(rows[s]), batches[s]) for s in steps}

    def _call(self, batch: Batch, steps: tuple[Steps, ...], draw: int) -> Iterator[tuple[Steps, Any, dict[str, Any]]]:
        """(step count, output, timing) one by one; the output as numpy."""
        import torch

        task, solver = self.job.task, self.job.cells[0].solver or "none"
        noise = Draws(self.job.cells[0].seed, batch.ids)
        inputs = torch.from_numpy(batch.labels if task == "sis" else batch.images).to(self.device)
        counter = EvaluationCounter()
        with torch.inference_mode(), counter.watch(self.method.networks), self._autocast():
            if task == "cls":
                results: Iterator[Any] = self.method.classify(inputs, steps=steps, solver=solver, noise=noise)
            elif task == "ss":
                results = self.method.segment(inputs, steps=steps, solver=solver, noise=noise)
            elif task == "sis":
                results = self.method.synthesize(inputs, steps=steps, solver=solver, noise=noise, draw=draw)
            else:
                labels = torch.from_numpy(batch.labels).to(self.device)
                results = self._cycles(inputs, labels, steps, solver, noise)
            for count in steps:
                before = counter.rows
                with stopwatch(self.device) as seconds:
                    result = next(results)
                timing = {
                    "seconds": seconds[0],
                    "size": len(batch.ids),
                    "evaluations": counter.rows - before,
                    "peak": peak_memory(self.device),
                    "device": self.device,
                }
                if self.replays.setdefault(count, REPLAYS) and counter.last:
                    self.replays[count] -= 1
                    timing["bare"] = counter.bare(self.device)
                yield count, _to_numpy(task, result, self.job.rounding), timing

    def _cycles(
        self, images: Tensor, labels: Tensor, steps: tuple[Steps, ...], solver: str, noise: Draws
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Both ways round: (images of the labels, what they are seen as, images of what the real ones are seen as)."""

        def see(x: Tensor, count: Steps) -> Tensor:
            call: Callable[..., Iterator[Any]] = self.method.segment if masks else self.method.classify
            return next(iter(call(x, steps=(count,), solver=solver, noise=noise))).classes

        def draw(semantics: Tensor, count: Steps) -> Tensor:
            return next(iter(self.method.synthesize(semantics, steps=(count,), solver=solver, noise=noise)))

        masks = self.job.data.card.has_masks
        for count in steps:
            made = draw(labels, count)
            stored = to_uint8(made.float().cpu().numpy(), self.job.rounding)  # as a file of it would be read
            seen = see(torch_images(stored, images), count)
            yield made, seen, draw(see(images, count), count)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        import torch

        precision = self.job.cells[0].precision
        if precision == "fp32":
            return contextlib.nullcontext()
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        return torch.autocast(self.device.partition(":")[0], dtype=dtype)

    def _rows(self, batch: Batch, real: int, outputs: Sequence[Any]) -> dict[str, Any]:
        """Evidence tables of the first `real` samples of a batch, as columns."""
        ids, labels = list(batch.ids[:real]), batch.labels[:real]
        if self.job.task == "cls":
            classes, scores, scale = outputs[0]
            columns = {"label": labels, "prediction": classes[:real], "scores": list(scores[:real])}
            return {"predictions": {"id": ids, **columns, "scale": [scale] * real}}
        if self.job.task == "ss":
            counts = confusion_columns(ids, labels, outputs[0][:real], len(self.job.data.card.classes))
            return {"confusion": counts, "masks": {"id": ids, "png": list(map(mask_png, outputs[0][:real]))}}
        if self.job.task == "cycle":
            return self._cycle_rows(ids, batch, real, *outputs[0])
        return self._synthesis_rows(ids, batch, real, [images[:real] for images in outputs])

    def _synthesis_rows(self, ids: list[str], batch: Batch, real: int, samples: list[np.ndarray]) -> dict[str, Any]:
        labels, genuine = batch.labels[:real], to_uint8(batch.images[:real])
        table: dict[str, list[Any]] = {"id": [], "draw": []}
        alignment: list[dict[str, Any]] = []
        for draw, images in enumerate(samples):
            table["id"] += ids
            table["draw"] += [draw] * real
            full = pad_to(images, len(batch.ids))  # evaluators too see one shape
            if self.judges.features:
                table.setdefault("features", []).extend(self.judges.features(full)[:real])
            if self.judges.distance:
                table.setdefault("lpips_gt", []).extend(self.judges.distance(images, genuine))
            if self.judges.align:
                seen = self.judges.align(full)[:real]
                if labels.ndim == 1:
                    table.setdefault("aligned", []).extend(seen == labels)
                else:
                    alignment.append(confusion_columns(ids, labels, seen, len(self.job.data.card.classes)))
        if self.judges.distance and len(samples) > 1:
            pairs = [self.judges.distance(a, b) for a, b in combinations(samples, 2)]
            table["lpips_diversity"] = list(np.mean(pairs, axis=0)) * len(samples)
        if self.judges.features and len(samples) > 1:
            drawn = np.split(np.stack(table["features"]).astype(np.float64), len(samples))  # draws of [B, D]
            apart = [np.linalg.norm(a - b, axis=1) for a, b in combinations(drawn, 2)]
            table["feature_diversity"] = list(np.mean(apart, axis=0)) * len(samples)
        tables: dict[str, Any] = {"samples": table}
        if alignment:
            tables["alignment"] = {k: np.concatenate([a[k] for a in alignment]) for k in alignment[0]}
        return tables

    def _cycle_rows(
        self, ids: list[str], batch: Batch, real: int, made: np.ndarray, seen: np.ndarray, again: np.ndarray
    ) -> dict[str, Any]:
        labels, genuine = batch.labels[:real], to_uint8(batch.images)
        cycles: dict[str, Any] = {"id": ids}
        tables: dict[str, Any] = {"cycles": cycles}
        if labels.ndim == 1:
            cycles["aligned"] = seen[:real] == labels
        else:
            tables["confusion"] = confusion_columns(ids, labels, seen[:real], len(self.job.data.card.classes))
        if self.judges.features:
            there, here = (self.judges.features(x)[:real].astype(np.float64) for x in (again, genuine))
            cycles["cycle_features"] = np.linalg.norm(there - here, axis=1)
        if self.judges.distance:
            cycles["cycle_lpips"] = self.judges.distance(again[:real], genuine[:real])
        return tables


def confusion_columns(ids: Sequence[str], truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> dict[str, Any]:
    image, t, p, count = sparse_confusion(truth, predicted, num_classes)
    return {
        "id": np.asarray(ids)[image],
        "truth": t.astype(np.int16),
        "prediction": p.astype(np.int16),
        "pixels": count.astype(np.int32),
    }


def pad_to(rows: np.ndarray, size: int) -> np.ndarray:
    """Repeat the last row until there are `size`."""
    return np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])


def to_uint8(images: np.ndarray, rounding: str = "round") -> np.ndarray:
    """[-1, 1] -> 0-255, clamped; `truncate` cuts the fraction off, as some published code does."""
    values = (np.clip(images, -1, 1) + 1) * 127.5
    return (np.round(values) if rounding == "round" else np.floor(values)).astype(np.uint8)


def torch_images(images: np.ndarray, like: Tensor) -> Tensor:
    """uint8 -> [-1, 1], on the device of `like`."""
    import torch

    return torch.from_numpy(images).to(like.device, like.dtype) / 127.5 - 1


def _to_numpy(task: str, result: Any, rounding: str) -> Any:
    """The method's output on the CPU; NaN or infinity is a failure, not an answer."""
    if task == "ss":
        return result.classes.cpu().numpy()
    if task == "cycle":
        made, seen, again = result
        return _images(made, rounding), seen.cpu().numpy(), _images(again, rounding)
    if task == "cls":
        return result.classes.cpu().numpy(), _finite(result.scores), result.scale
    return _images(result, rounding)


def _images(made: Tensor, rounding: str) -> np.ndarray:
    return to_uint8(_finite(made), rounding)


def _finite(made: Tensor) -> np.ndarray:
    values = made.float().cpu().numpy()
    if not np.isfinite(values).all():
        raise FloatingPointError(f"the method gave {np.count_nonzero(~np.isfinite(values))} values that are not finite")
    return np.asarray(values)


def as_tables(rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Columns of several batches, joined into one table each."""
    import pandas as pd

    return {name: pd.concat([pd.DataFrame(part[name]) for part in rows], ignore_index=True) for name in rows[0]}


def load_judges(job: Job, device: str) -> Judges:
    """Load the evaluators that a job names."""
    import torch

    from ... import methods
    from ...symmflow.checkpoint import Checkpoint
    from ..judges import extractors, perceptual
    from ..judges.extractors import Extractor
    from ..judges.perceptual import Backbone

    judges, chosen = Judges(), job.evaluators
    if isinstance(chosen.extractor, Extractor):
        judges.features = extractors.load(chosen.extractor, device)
    if isinstance(chosen.lpips, Backbone):
        judges.distance = perceptual.load(chosen.lpips, device)
    if isinstance(chosen.aligner, Checkpoint):
        card = job.data.card
        judge = methods.method(chosen.aligner.recipe.method).load(chosen.aligner, card, device)

        def align(images: np.ndarray) -> np.ndarray:
            x = torch_images(images, torch.empty(0, device=device))
            noise = Draws(0, [""] * len(x))
            call: Callable[..., Iterator[Any]] = judge.segment if card.has_masks else judge.classify
            with torch.inference_mode():
                return next(iter(call(x, steps=(None,), solver="none", noise=noise))).classes.cpu().numpy()

        judges.align = align
    return judges
