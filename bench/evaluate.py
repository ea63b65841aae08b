"""One shard of a job through its method: network in, evidence out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Batch
from ..methods import Method
from ..symmflow.noise import Draws
from ..symmflow.solvers import ADAPTIVE
from .cost import EvaluationCounter, peak_memory, stopwatch
from .evidence import Shard
from .metrics.confusion import sparse_confusion

if TYPE_CHECKING:
    import pandas as pd

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
                    self.outputs[count] = (first[0] if self.job.task == "cls" else first)[:real]
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
            else:
                results = self.method.synthesize(inputs, steps=steps, solver=solver, noise=noise, draw=draw)
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
                yield count, _to_numpy(task, result), timing

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
            classes, scores = outputs[0]
            return {
                "predictions": {"id": ids, "label": labels, "prediction": classes[:real], "scores": list(scores[:real])}
            }
        if self.job.task == "ss":
            counts = confusion_columns(ids, labels, outputs[0][:real], len(self.job.data.card.classes))
            return {"confusion": counts, "images": {"id": ids}}
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


def to_uint8(images: np.ndarray) -> np.ndarray:
    """[-1, 1] -> 0-255, clamped and rounded (not truncated)."""
    return np.round((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)


def _to_numpy(task: str, result: Any) -> Any:
    """The method's output on the CPU; NaN or infinity is a failure, not an answer."""
    if task == "ss":
        return result.classes.cpu().numpy()
    values = (result.scores if task == "cls" else result).float().cpu().numpy()
    if not np.isfinite(values).all():
        raise FloatingPointError(f"the method gave {np.count_nonzero(~np.isfinite(values))} values that are not finite")
    return (result.classes.cpu().numpy(), values) if task == "cls" else to_uint8(values)


def as_tables(rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Columns of several batches, joined into one table each."""
    import pandas as pd

    return {name: pd.concat([pd.DataFrame(part[name]) for part in rows], ignore_index=True) for name in rows[0]}


def load_judges(job: Job, device: str) -> Judges:
    """Load the evaluators that a job names."""
    import torch

    from .. import methods
    from ..symmflow.checkpoint import Checkpoint
    from .metrics import extractors, perceptual
    from .metrics.extractors import Extractor
    from .metrics.perceptual import Backbone

    judges, chosen = Judges(), job.evaluators
    if isinstance(chosen.extractor, Extractor):
        judges.features = extractors.load(chosen.extractor, device)
    if isinstance(chosen.lpips, Backbone):
        judges.distance = perceptual.load(chosen.lpips, device)
    if isinstance(chosen.aligner, Checkpoint):
        card = job.data.card
        judge = methods.method(chosen.aligner.recipe.method).load(chosen.aligner, card, device)

        def align(images: np.ndarray) -> np.ndarray:
            x = torch.from_numpy(images).to(device) / 127.5 - 1
            noise = Draws(0, [""] * len(x))
            call: Callable[..., Iterator[Any]] = judge.segment if card.has_masks else judge.classify
            with torch.inference_mode():
                return next(iter(call(x, steps=(None,), solver="none", noise=noise))).classes.cpu().numpy()

        judges.align = align
    return judges
