"""The processes of a training, and how they agree: over the CPU, so that no device is waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from ..errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """`world` processes of which this is number `rank`; every method is called by all of them, at the same place.

    One process needs no group and agrees with itself.
    """

    rank: int = 0
    world: int = 1
    group: Any = None
    """Of gloo; None: one process."""

    @classmethod
    def here(cls) -> Processes:
        """Those of PyTorch's default group; one where there is none."""
        if not dist.is_available() or not dist.is_initialized():
            return cls()
        return cls(dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo"))

    def first(self, make: Callable[[], T]) -> T:
        """What the first process makes, on all; where that raises, all raise, so that nobody waits for it."""
        if self.world == 1:
            return make()
        made, failed = None, None
        if self.rank == 0:
            try:
                made = make()
            except Exception as error:
                failed = error
        told = [made, None if failed is None else f"{failed}"]
        dist.broadcast_object_list(told, src=0, group=self.group)
        if failed is not None:
            raise failed
        if told[1] is not None:
            raise InputError(told[1])
        return told[0]  # type: ignore[return-value]

    def gather(self, value: T) -> list[T]:
        """The values of all processes, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value, group=self.group)
        return values

    def largest(self, value: int) -> int:
        """The largest value that a process gives."""
        if self.world == 1:
            return value
        found = torch.tensor(value)
        dist.all_reduce(found, dist.ReduceOp.MAX, group=self.group)
        return int(found)

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """Each value's mean over the processes, which all give the same names."""
        if self.world == 1:
            return dict(values)
        given = self.gather(values)
        return {name: sum(one[name] for one in given) / self.world for name in values}
