"""Objects that packages register under an entry-point group: known by name, imported when they are asked for."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from .errors import InputError, unknown


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Plugins(Generic[T]):
    """The instances of `kind` (`classes`: its subclasses) that packages register in `group`.

    One that is broken is refused alone, when it is asked for. `what` is what an error calls one of them ("data set").
    """

    def __init__(self, what: str, group: str, kind: type[Any], *, classes: bool = False) -> None:
        self.what, self.group, self.kind, self.classes = what, group, kind, classes

    @cached_property
    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}

    def names(self) -> list[str]:
        """All that are registered; nothing is imported."""
        return sorted(self._points)

    def get(self, name: str) -> T:
        """The one of a name. Raises `InputError` where it is not there, cannot be imported or is something else."""
        if name not in self._points:
            raise unknown(self.what, name, self.names())
        point = self._points[name]
        where = f"{self.what} {name!r} ({point.value})"
        try:
            found = point.load()
        except Exception as error:  # whatever the import of another package raises
            said = f"{type(error).__name__}: {error}".rstrip(".")
            raise InputError(f"{where} cannot be imported: {said}; install what it needs, or mend it.") from error
        if not self._fits(found):
            wanted = f"no {'subclass' if self.classes else 'instance'} of {self.kind.__name__}"
            raise InputError(
                f"{where} is of type {type(found).__name__}, {wanted}; mend the package that registers it."
            )
        if found.name != name:
            raise InputError(f"{where} calls itself {found.name!r}; mend the package that registers it.")
        plugin: T = found
        return plugin

    def _fits(self, found: object) -> bool:
        if self.classes:
            return isinstance(found, type) and issubclass(found, self.kind)
        return isinstance(found, self.kind)
