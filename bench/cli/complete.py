"""What the shell offers after TAB; nothing of it imports torch, or a package that registers something."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Completer = Callable[[str], list[str]]


def _methods() -> list[str]:
    from ... import methods

    return methods.names()


def _tasks() -> list[str]:
    from .. import tasks

    return list(dict.fromkeys(word for task in tasks.all_tasks() for word in (task.name, task.verb)))


def _datasets() -> list[str]:
    from ... import datasets

    return datasets.names()


def _recipes() -> list[str]:
    from ... import methods

    return methods.recipe_names()


def _protocols() -> list[str]:
    from ..protocols import all_rules

    return list(all_rules())


def _metrics() -> list[str]:
    from .. import metrics

    return metrics.names()


def _papers() -> list[str]:
    from ...reports import papers

    return papers.names()


def _weights() -> list[str]:
    from ...methods.parts.published import served
    from ..judges import weights

    return [*_datasets(), *weights.KNOWN, *served()]


def _kinds() -> list[str]:
    from ..run.inventory import KINDS

    return [*KINDS, "runs"]


KNOWN: dict[str, Callable[[], Iterable[str]]] = {
    "method": _methods,
    "task": _tasks,
    "dataset": _datasets,
    "recipe": _recipes,
    "protocol": _protocols,
    "metric": _metrics,
    "paper": _papers,
    "data set or weights": _weights,
    "kind": _kinds,
}


def of(kind: str) -> Completer:
    """One of a kind."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in KNOWN[kind]() if name.startswith(incomplete)]

    return complete


def several(kind: str) -> Completer:
    """Of comma separated ones, the last; none twice."""

    def complete(incomplete: str) -> list[str]:
        given, comma, last = incomplete.rpartition(",")
        before = given.split(",")
        return [f"{given}{comma}{name}" for name in KNOWN[kind]() if name.startswith(last) and name not in before]

    return complete
