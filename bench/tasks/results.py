"""What a method gives, one result after the other, each checked as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...symmflow.errors import InputError
from ...symmflow.guests import Guest, said
from ...symmflow.memory import is_out_of_memory

if TYPE_CHECKING:
    from ...datasets import Card
    from ...methods import Method, Sampling
    from .task import Inputs, Task

_NOTHING = object()


class MethodError(RuntimeError):
    """A method that broke, or gave what the interface does not allow. That is its own failure, whatever it raised."""


@dataclass
class Results:
    """A method's results for a batch, one a step count: `take` is the method's own work, all else is ours.

    A result must be as the interface says (`Task.fault`), come one by one, and leave the inputs as they were. Raises
    `MethodError` where the method does otherwise, or raises anything, be it SystemExit; Ctrl-C alone passes.
    """

    task: Task
    method: Method
    card: Card
    inputs: Inputs
    sampling: Sampling
    rounding: str
    _guest: Guest = field(default_factory=Guest)
    _made: Iterator[Any] | None = None
    _taken: int = 0

    def __post_init__(self) -> None:
        self._before = [x.clone() for x in (self.inputs.images, self.inputs.labels)]

    def take(self) -> Any:
        """The next result, as the method gives it. No more than the method's work is done here: it may be timed."""
        if (result := self._next()) is _NOTHING:
            raise self._error(f"gives {_many(self._taken, 'result')} for {_many(self._wanted, 'step count')}")
        self._taken += 1
        return result

    def check(self, result: Any) -> None:
        """Of a result that was taken. What is short of memory passes: it is ours, not the method's."""
        self._unchanged()
        try:
            fault = self.task.fault(result, self.card, len(self.sampling.noise.ids))
        except Exception as error:  # tensors of a strange kind
            if is_out_of_memory(error):
                raise
            fault = f"a result that cannot be read ({said(error)})"
        if fault:
            raise self._error(f"gives {fault}")

    def end(self) -> None:
        """After the last."""
        if self._next() is not _NOTHING:
            raise self._error(f"gives more than {_many(self._wanted, 'result')}, one a step count")
        self._unchanged()

    def each(self) -> Iterator[Any]:
        """All of them, checked."""
        for _ in range(self._wanted):
            result = self.take()
            self.check(result)
            yield result
        self.end()

    @property
    def _wanted(self) -> int:
        return len(self.sampling.steps) or 1

    def _unchanged(self) -> None:
        now = (self.inputs.images, self.inputs.labels)
        if not all(a.shape == b.shape and bool((a == b).all()) for a, b in zip(now, self._before, strict=True)):
            raise self._error("changes its inputs; clone them first")

    def _next(self) -> Any:
        try:
            with self._guest:
                if self._made is None:
                    self._made = self.task.results(self.method, self.inputs, self.sampling, self.rounding)
                    if not isinstance(self._made, Iterator):
                        raise TypeError(f"{type(self._made).__name__} is no iterator: results come one by one (yield)")
                return next(self._made, _NOTHING)
        except MethodError:
            raise
        except Exception as error:
            if isinstance(error, InputError) and self.method.ready_made:  # its files are bad, and it says which
                raise
            raise self._error(f"breaks with {said(error)}") from error

    def _error(self, what: str) -> MethodError:
        name = self.method.name
        return MethodError(f"{name} {what}; `bench check {name}` runs it through the rules of the interface")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
