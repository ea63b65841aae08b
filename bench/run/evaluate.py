"""One shard of a job through its method: network in, evidence out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ... import methods
from ...symmflow.device import decoders, exact_kernels, resolve_device
from ...symmflow.errors import InputError, note
from ...symmflow.guests import said
from ...symmflow.memory import free_memory, is_out_of_memory
from ...symmflow.noise import Draws
from ...symmflow.solvers import ADAPTIVE
from .. import judges
from ..records import IMAGES, SHARD, Shard, joined
from ..tasks import Inputs, Look, MethodError, Results, pad_to
from . import repeat
from .batches import AUTO, first_size
from .cost import EvaluationCounter, peak_memory, stopwatch
from .kept import Keeper, Watch
from .loaded import load
from .made import Made, Steps, as_tables
from .sampling import sampling

if TYPE_CHECKING:
    from torch import Tensor

    from ...datasets import Batch, Split
    from ...methods import Method
    from ...symmflow.solvers import Trace
    from ..tasks.task import Tables
    from .job import Job


T = TypeVar("T")
REPLAYS = 6
"""Batches of a cell whose network call is timed alone."""


BESIDE, REAL = "checking, timing or judging what a method gives", "looking at the real images"


class OutOfMemory(RuntimeError):
    """Memory does not suffice for what is done beside the method."""


def _nobody(images: int) -> None:
    """Not told of progress."""


@dataclass
class Evaluator:
    """A job that is opened: its data, its method and its judges are loaded."""

    job: Job
    data: Split
    method: Method
    look: Look
    device: str
    size: int
    """Images a batch, always: the last one is padded, so that kernels round alike. Halved where memory is short."""
    keeper: Keeper
    """Of which samples pictures are kept."""
    workers: int = 0
    """Processes that decode images ahead, of data sets in files."""
    beside: Mapping[str, int] = field(default_factory=dict)
    """How many processes share the machine and the GPU, as `Share` tells."""
    warm: bool = False
    replays: dict[Steps, int] = field(default_factory=dict)
    """Batches whose network call is still to be timed alone, a step count."""
    first: dict[Steps, Any] = field(default_factory=dict)
    """What the method made of the first batch, for previews."""

    @classmethod
    def open(
        cls, job: Job, device: str = "auto", batch_size: int | str = AUTO, workers: int | None = None, keep: int = 0
    ) -> Evaluator:
        """Load what a job names; `batch_size`: as `Request` has it; `keep`: samples of which pictures are kept.

        Raises `Unusable` where the method cannot be loaded.
        """
        device, data, card = resolve_device(device), job.data(), job.card
        exact_kernels()
        opened = methods.checkpoint(job.method, card.name, job.checkpoint, job.trust)
        if opened.fingerprint != job.made_of.fingerprint:
            raise InputError(f"the checkpoint of {job.method} has changed since this was planned; start again.")
        method = load(job, opened, device)
        size = min(first_size(batch_size), len(data))
        loaded = {role: judges.load(found, card, device) for role, found in job.judges.items()}
        look = Look(card, loaded, size, job.protocol.rules.rounding, method.paired)
        ahead = decoders() if workers is None else workers
        keeper = Keeper.of(job.task, card, data.ids, keep)
        return cls(job, data, method, look, device, size, keeper, ahead if len(data) > size else 0)

    def positions(self, number: int) -> np.ndarray:
        """Where the samples of a shard stand in the split."""
        return np.arange(number * SHARD, min((number + 1) * SHARD, len(self.data)))

    def shard(
        self, number: int, steps: Sequence[Steps], advance: Callable[[int], None] = _nobody
    ) -> dict[Steps, Shard]:
        """Evaluate a shard at every step count; `advance(n)` is told of finished images."""
        made = [shards for _, shards in self.batches(number, steps, advance=advance)]
        return {s: joined([one[s] for one in made]) for s in steps}

    def batches(
        self, number: int, steps: Sequence[Steps], start: int = 0, advance: Callable[[int], None] = _nobody
    ) -> Iterator[tuple[int, dict[Steps, Shard]]]:
        """Evaluate a shard from its sample `start` on, batch by batch: (samples that are done, what the batch gave)."""
        done = start

        def seen(begin: int) -> Iterator[tuple[np.ndarray, dict[Steps, Shard]]]:
            for made in self._made(number, steps, begin):
                if made.index[0] == 0:
                    self.first |= {s: made.outputs[s][0] for s in steps}
                yield made.index, {s: Shard(as_tables([self._rows(made, s)]), made.timings[s]) for s in steps}

        for index, shards in self._fitting(seen, start, len(self.positions(number))):
            advance(len(index) * len(steps))
            done += len(index)
            yield done, shards

    def made(self, number: int, steps: Sequence[Steps], start: int = 0) -> Iterator[Made]:
        """Batch by batch of a shard."""

        def each(begin: int) -> Iterator[tuple[np.ndarray, Made]]:
            return ((one.index, one) for one in self._made(number, steps, begin))

        return (one for _, one in self._fitting(each, start, len(self.positions(number))))

    def real_shard(self, number: int) -> Shard:
        """Evidence of the real images of a shard, for a task whose figures are against it."""
        positions = self.positions(number)

        def seen(begin: int) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
            indices = [positions[start : start + self.size] for start in range(begin, len(positions), self.size)]
            for index, batch in zip(indices, self.data.batches(indices, self.workers), strict=True):
                tables = self.job.task.real_rows(batch, self.look)
                assert tables is not None
                yield index, tables

        return Shard(as_tables([tables for _, tables in self._fitting(seen, 0, len(positions), REAL)]), [])

    def _fitting(
        self, make: Callable[[int], Iterator[tuple[np.ndarray, T]]], start: int, stop: int, doing: str = BESIDE
    ) -> Iterator[tuple[np.ndarray, T]]:
        """What `make(begin)` gives batch by batch of the samples from `begin` on: positions, and what is made of them.

        A batch for which memory does not suffice is made again at half the size, as are all that come after it. A draw
        belongs to a sample, not to a batch, so nothing is drawn otherwise. Raises `MethodError` where one image alone
        is too large for the method, `OutOfMemory` where it is for what we do beside it.
        """
        while start < stop:
            short = False
            try:
                for index, made in make(start):
                    start += len(index)
                    yield index, made
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if self.size == 1:
                    raise self._too_large(error, doing) from error
                short = True  # the error holds what takes the memory, until it has gone
            if short:
                self._halve()

    def _too_large(self, error: Exception, doing: str) -> MethodError | OutOfMemory:
        """The method's own failure, or of what we were doing beside it."""
        where = f"has not enough memory on {self.device} for a single image at this size"
        remedy = "choose a smaller --size, --precision bf16, or a device with more"
        if isinstance(error, MethodError):
            return MethodError(f"{self.method.name} {where}: it breaks with {said(error.__cause__ or error)}; {remedy}")
        return OutOfMemory(f"{doing} {where}: {said(error)}; {remedy}")

    def _halve(self) -> None:
        free_memory()
        before, self.size = self.size, self.size // 2
        self.look = replace(self.look, size=self.size)
        self.warm = False  # other shapes choose other kernels
        self.replays.clear()
        note(
            f"batches of {before} do not fit into the memory of {self.device}; they have {self.size} images from here "
            "on"
        )

    def _made(self, number: int, steps: Sequence[Steps], start: int) -> Iterator[Made]:
        positions = self.positions(number)
        alone = self.job.cells[0].solver in ADAPTIVE  # takes samples one by one, each at its own cost
        task, fewest = self.job.task, min(steps, key=lambda s: s or 0)
        indices = [positions[begin : begin + self.size] for begin in range(start, len(positions), self.size)]
        padded = indices if alone else [pad_to(index, self.size) for index in indices]
        for index, batch in zip(indices, self.data.batches(padded, self.workers), strict=True):
            if not self.warm:
                list(self._call(batch, (fewest,), draw=0))
                self.warm = True
            first: Tensor | None = None
            made = Made(index, batch, {s: [] for s in steps}, {s: [] for s in steps}, {})
            for draw in range(self.job.cells[0].samples_per_mask):
                watch = self.keeper.watch(batch.ids) if draw == 0 else None
                for count, result, timing in self._call(batch, tuple(steps), draw, watch):
                    made.outputs[count].append(task.array(result, self.look.rounding))
                    made.timings[count].append(timing)
                    if watch:
                        made.states[count] = self.keeper.shown(self.method, watch)
                    if index[0] == draw == 0 and count == fewest and self._asks_again:
                        first = task.tensor(result)[: repeat.COUNT].clone()
            if first is not None:
                made.timings[fewest][0]["differing"] = self._again(index[: repeat.COUNT], fewest, first)
            yield made

    def _rows(self, made: Made, steps: Steps) -> Tables:
        """The evidence of a batch."""
        outputs, real, states = made.outputs[steps], len(made.index), made.states.get(steps, ())
        pictures = self.keeper.columns(made.batch, real, outputs[0], states, paired=self.look.paired)
        return self.job.task.rows(made.batch, real, outputs, self.look) | {IMAGES: pictures}

    def preview(self, steps: Steps) -> bytes:
        """PNG of what the method made of the first images."""
        count = min(8, self.size)
        return self.job.task.preview(self.job.card, self.data.batch(np.arange(count)), self.first[steps])

    def _call(
        self, batch: Batch, steps: tuple[Steps, ...], draw: int, watch: Watch | None = None
    ) -> Iterator[tuple[Steps, Any, dict[str, Any]]]:
        """(step count, result, timing) one by one; the method may use the memory of a result again for the next."""
        import torch

        counter = EvaluationCounter()
        with torch.inference_mode(), counter.watch(self.method.networks), self._autocast():
            results = self.results(batch, steps, draw, watch)
            for count in steps:
                before = counter.rows
                if watch:
                    watch.begin(count)
                with stopwatch(self.device) as seconds:
                    result = results.take()
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
                results.check(result)
                yield count, result, timing
            results.end()

    def _again(self, index: np.ndarray, steps: Steps, first: Tensor) -> float:
        """The share of values that differ when some samples are asked a second time; 1 where that fails."""
        import torch

        batch = self.data.batch(index)
        with torch.inference_mode(), self._autocast(), repeat.aside(self.device):
            try:
                (second,) = self.results(batch, (steps,), 0).each()
            except MethodError as error:
                if is_out_of_memory(error):
                    raise
                return 1.0
            return repeat.differing(first, self.job.task.tensor(second), self.job.cells[0].precision)

    def results(self, batch: Batch, steps: tuple[Steps, ...], draw: int = 0, trace: Trace | None = None) -> Results:
        """What the method makes of a batch."""
        import torch

        job, cell = self.job, self.job.cells[0]
        inputs = Inputs(*(torch.from_numpy(x).to(self.device) for x in (batch.images, batch.labels)))
        asked = sampling(Draws(cell.seed, batch.ids), steps, cell.solver, draw, trace)
        return Results(job.task, self.method, job.card, inputs, asked, self.look.rounding)

    @property
    def _asks_again(self) -> bool:
        """Whether the method is asked for the first samples a second time."""
        samples = self.job.protocol.n * self.job.cells[0].samples_per_mask
        return not self.job.ready_made and repeat.affordable(samples)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        import torch

        dtypes = {"bf16": torch.bfloat16, "fp16": torch.float16}
        dtype = dtypes.get(self.job.cells[0].precision)
        return torch.autocast(self.device.partition(":")[0], dtype=dtype) if dtype else contextlib.nullcontext()
