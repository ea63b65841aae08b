"""Objects that packages register under an entry-point group: known by name, imported when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from .errors import InputError, unknown
from .guests import Guest, said


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)
OURS = __name__.partition(".")[0]


@lru_cache
def points(group: str) -> Mapping[str, Sequence[EntryPoint]]:
    """What packages register in a group, by name, of several of one name ours first; nothing is imported."""
    found: dict[str, list[EntryPoint]] = {}
    for point in sorted(entry_points(group=group), key=lambda point: package(point) != OURS):
        same = found.setdefault(point.name, [])
        if point.value not in [other.value for other in same]:
            same.append(point)
    return found


def package(point: EntryPoint) -> str:
    """The package that registers it."""
    return point.dist.name if point.dist else "?"


def left_out(group: str, names: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """(name and package, why) of what others register in a group under a name of ours; `names`: only these."""
    return [
        (
            f"{name} ({package(point)})",
            f"{package(point)} registers {point.value} in {group} as {name!r}, which {OURS} has itself: it is left out "
            "until it has another name",
        )
        for name, (first, *others) in points(group).items()
        if package(first) == OURS and (names is None or name in names)
        for point in others
    ]


class Plugins(Generic[T]):
    """The instances of `kind` (`classes`: its subclasses) that packages register in `group`.

    One that is broken is refused alone, when it is asked for. `what` is what an error calls one of them ("data set");
    `parts`: attributes that each must have, and their types; `fault`: what else is wrong with one, empty if nothing. A
    name of ours stays ours (`left_out` says who else wants it), and is nobody's where two others claim it.
    """

    def __init__(
        self,
        what: str,
        group: str,
        kind: type[Any],
        *,
        classes: bool = False,
        parts: Mapping[str, type[Any]] | None = None,
        fault: Callable[[Any], str] | None = None,
    ) -> None:
        self.what, self.group, self.kind, self.classes, self.parts = what, group, kind, classes, parts or {}
        self.fault = fault

    def names(self) -> list[str]:
        """All that are registered; nothing is imported."""
        return sorted(points(self.group))

    def get(self, name: str) -> T:
        """The one of a name. Raises `InputError` where it is not there, cannot be imported or is something else."""
        known = points(self.group)
        if name not in known:
            raise unknown(self.what, name, self.names())
        point, *others = known[name]
        if others and package(point) != OURS:
            claim = " and ".join(f"{package(p)} ({p.value})" for p in known[name])
            raise InputError(f"{self.what} {name!r} is registered by {claim}; uninstall all but one of them.")
        where = f"{self.what} {name!r} ({point.value})"
        try:
            with Guest():
                found = point.load()
        except Exception as error:  # whatever the import of another package raises
            raise InputError(
                f"{where} cannot be imported: {said(error)}; install what it needs, or mend it."
            ) from error
        if not self._fits(found):
            wanted = f"no {'subclass' if self.classes else 'instance'} of {self.kind.__name__}"
            raise InputError(
                f"{where} is of type {type(found).__name__}, {wanted}; mend the package that registers it."
            )
        for part, kind in self.parts.items():
            if not isinstance(getattr(found, part, None), kind):
                raise InputError(f"{where} has no {part}, or a wrong one; mend the package that registers it.")
        if (own := getattr(found, "name", None)) != name:
            raise InputError(f"{where} calls itself {own!r}; mend the package that registers it.")
        if self.fault and (wrong := self.fault(found)):
            raise InputError(f"{where} {wrong}; mend the package that registers it.")
        plugin: T = found
        return plugin

    def _fits(self, found: object) -> bool:
        if self.classes:
            return isinstance(found, type) and issubclass(found, self.kind)
        return isinstance(found, self.kind)
