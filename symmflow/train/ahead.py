"""What is made before the loop needs it: by worker processes, and the noise of a batch with the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError
from ..noise import Draws
from ..workers import end_with_reader, started

T = TypeVar("T")
Drawing = tuple[str, tuple[int, ...], str, int]
"""(`normal` or `uniform`, shape, stream, draw): what an objective asks of `Draws`."""


def made_ahead(make: Callable[[int], T], numbers: Sequence[int], workers: int, pin: bool = False) -> Iterator[T]:
    """`make` of each number, in their order, by `workers` processes ahead of the reader; 0: by this one.

    `pin`: in memory that a GPU copies from on its own, for what has a `pin_memory`.
    """
    # a loader draws a seed for its workers: not from the generator that a network's dropout draws from
    how: dict[str, Any] = {"num_workers": workers, "collate_fn": _as_it_is, "generator": torch.Generator()}
    how |= {"batch_size": None, "pin_memory": pin, "worker_init_fn": end_with_reader}
    for made in started(DataLoader(_Made(make), sampler=numbers, **how)):
        if isinstance(made, InputError):
            raise made
        yield made


@dataclass(frozen=True)
class _Made(Dataset, Generic[T]):
    make: Callable[[int], T]

    def __getitem__(self, number: int) -> T | InputError:
        try:
            return self.make(number)
        except InputError as error:  # a loader would raise its whole traceback instead of the sentence
            return error


def _as_it_is(made: Any) -> Any:
    return made


@dataclass(frozen=True)
class KeptDraws(Draws):
    """Draws that are made once and kept. Those of one batch tell what the next will be asked for (`made`), so that it
    can be drawn ahead (`draw`); what was not foreseen is drawn when it is asked for. Either way the bits are the same.
    """

    made: dict[Drawing, Tensor] = field(default_factory=dict, repr=False)

    def normal(self, shape: Sequence[int], stream: str, draw: int = 0) -> Tensor:
        return self._kept(("normal", tuple(shape), stream, draw))

    def uniform(self, shape: Sequence[int], stream: str, draw: int = 0) -> Tensor:
        return self._kept(("uniform", tuple(shape), stream, draw))

    def draw(self, asked: Iterable[Drawing]) -> None:
        for drawing in asked:
            self._kept(drawing)

    def each(self, change: Callable[[Tensor], Tensor]) -> KeptDraws:
        """With what has been drawn changed: pinned, or moved to a device."""
        return replace(self, made={drawing: change(tensor) for drawing, tensor in self.made.items()})

    def _kept(self, drawing: Drawing) -> Tensor:
        if drawing not in self.made:
            kind, *address = drawing
            self.made[drawing] = getattr(super(), kind)(*address)
        return self.made[drawing]

    def __reduce__(self) -> tuple[Any, ...]:
        return _draws, (self.seed, self.ids, self.scope, self.again, {d: packed(t) for d, t in self.made.items()})


def _draws(
    seed: int, ids: Sequence[str], scope: str, again: Sequence[int], made: dict[Drawing, np.ndarray]
) -> KeptDraws:
    return KeptDraws(seed, ids, scope, again, {drawing: unpacked(array) for drawing, array in made.items()})


def packed(tensor: Tensor) -> np.ndarray:
    """A tensor as an array: for a pipe, since shared memory, where tensors go, is short in many containers, and for a
    file. bfloat16, which NumPy lacks, becomes the int16 of its bits."""
    array: np.ndarray = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array


def unpacked(array: np.ndarray) -> Tensor:
    """What `packed` made an array of."""
    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if tensor.dtype == torch.int16 else tensor
