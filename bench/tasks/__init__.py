"""Tasks: one file each. What is called, which evidence it leaves, how it is shown and checked."""

from ...symmflow.errors import unknown
from .cls import Classify
from .cycle import Cycle
from .results import MethodError, Results
from .sis import Synthesize
from .ss import Segment
from .task import Inputs, Judges, Look, Task, pad_to

_ALL: tuple[Task, ...] = (Classify(), Segment(), Synthesize(), Cycle())


def all_tasks() -> tuple[Task, ...]:
    """In the order in which they are shown."""
    return _ALL


def task(name: str) -> Task:
    """A task by its name, or by its verb."""
    for one in _ALL:
        if name in (one.name, one.verb):
            return one
    raise unknown("task", name, [word for one in _ALL for word in (one.name, one.verb)])


def order(name: str) -> int:
    """Its place among tables; what is no task of these comes last."""
    return next((place for place, one in enumerate(_ALL) if one.name == name), len(_ALL))


__all__ = ["Inputs", "Judges", "Look", "MethodError", "Results", "Task", "all_tasks", "order", "pad_to", "task"]
