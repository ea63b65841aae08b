"""What an evaluation costs: network evaluations counted by a hook, seconds with the device synchronised, memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import Cost, provenance

if TYPE_CHECKING:
    from torch import nn


class EvaluationCounter:
    """Counts network evaluations: rows that enter the forward of any hooked network.

    A guided method that runs two branches in one call of double batch counts two evaluations a sample.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.last: tuple[Any, tuple[Any, ...], dict[str, Any]] | None = None
        """The last network call: module, arguments, keywords."""
        self.paused = False

    @contextmanager
    def watch(self, networks: Sequence[nn.Module]) -> Iterator[EvaluationCounter]:
        handles = [n.register_forward_pre_hook(self._count, with_kwargs=True) for n in networks]
        try:
            yield self
        finally:
            for handle in handles:
                handle.remove()

    def bare(self, device: str) -> float:
        """Seconds a row of the last network call alone: the faster of two repeats, not counted."""
        assert self.last is not None
        module, args, kwargs = self.last
        self.paused = True
        try:
            taken = []
            for _ in range(2):
                with stopwatch(device, reset_peak=False) as seconds:
                    module(*args, **kwargs)
                taken.append(seconds[0])
        finally:
            self.paused = False
        return min(taken) / _rows(args, kwargs)

    def _count(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self.paused:
            self.rows += _rows(args, kwargs)
            self.last = module, args, kwargs


def _rows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    first = next(value for value in (*args, *kwargs.values()) if hasattr(value, "shape") and value.dim())
    return int(first.shape[0])


@contextmanager
def stopwatch(device: str, *, reset_peak: bool = True) -> Iterator[list[float]]:
    """Yields a list that receives the seconds between entry and exit, with the device idle at both ends."""
    import torch

    def settle() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)

    seconds: list[float] = []
    settle()
    if device.startswith("cuda") and reset_peak:
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    yield seconds
    settle()
    seconds.append(time.perf_counter() - start)


def peak_memory(device: str) -> int:
    """Bytes: peak allocated on a CUDA device, peak resident memory of the process otherwise."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def throughput(batches: Sequence[Mapping[str, Any]]) -> Cost:
    """Median seconds over batches that are alike: {"seconds", "size", "peak", "device"}; without the warm-up."""
    timed = [b["seconds"] for b in batches]
    seconds = float(np.median(timed)) / batches[-1]["size"]
    relative = [b["seconds"] / (b["evaluations"] * b["bare"]) for b in batches if b.get("bare") and b["evaluations"]]
    return Cost(
        relative=relative,
        images_per_second=1 / seconds,
        seconds_per_image=seconds,
        batch_size=batches[-1]["size"],
        timed_batches=len(timed),
        peak_memory_bytes=max(b["peak"] for b in batches),
        device=batches[-1]["device"],
    )


def alike(batches: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of one size, made on machines that are alike: the most numerous ones, of equally many the later.

    A cell may hold others where it was resumed, or where several processes shared it.
    """
    return _grouped(batches, lambda b: (b["size"], made_on(b)))[0]


def machines(batches: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Batches by the machine that made them, the most first."""
    return {made_on(group[0]): len(group) for group in _grouped(batches, made_on)}


def made_on(batch: Mapping[str, Any]) -> str:
    """The machine in words: kind of device, GPU or processor, threads, how many processes share it.

    What older evidence does not say is left out.
    """
    facts = batch.get("machine", {})
    threads = [f"{facts['threads']} thread{'s' if facts['threads'] > 1 else ''}"] if "threads" in facts else []
    chip = facts.get("gpu", facts.get("cpu", ""))
    return ", ".join([f"{batch['device'].partition(':')[0]} {chip}".strip(), *threads, *provenance.shared_by(facts)])


def _grouped(
    batches: Sequence[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Any]
) -> list[list[Mapping[str, Any]]]:
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for batch in batches:
        group = groups.pop(found := key(batch), [])
        group.append(batch)
        groups[found] = group  # the group of the last batch is the last one
    latest_first = list(groups.values())[::-1]
    return sorted(latest_first, key=len, reverse=True)
