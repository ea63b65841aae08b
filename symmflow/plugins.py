"""Objects that packages register under an entry-point group: known by name, imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from .errors import InputError, unknown


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)
OURS = f"{__name__.partition('.')[0]}."


@lru_cache
def points(group: str) -> Mapping[str, EntryPoint]:
    """What packages register in a group, by name, of two of one name ours; nothing is imported."""
    found = sorted(entry_points(group=group), key=lambda point: point.value.startswith(OURS))
    return {point.name: point for point in found}  # the last of a name stays


class Plugins(Generic[T]):
    """The instances of `kind` (`classes`: its subclasses) that packages register in `group`.

    One that is broken is refused alone, when it is asked for. `what` is what an error calls one of them ("data set");
    `parts`: attributes that each must have, and their types. Of two of one name, ours comes first.
    """

    def __init__(
        self,
        what: str,
        group: str,
        kind: type[Any],
        *,
        classes: bool = False,
        parts: Mapping[str, type[Any]] | None = None,
    ) -> None:
        self.what, self.group, self.kind, self.classes, self.parts = what, group, kind, classes, parts or {}

    def names(self) -> list[str]:
        """All that are registered; nothing is imported."""
        return sorted(points(self.group))

    def get(self, name: str) -> T:
        """The one of a name. Raises `InputError` where it is not there, cannot be imported or is something else."""
        known = points(self.group)
        if name not in known:
            raise unknown(self.what, name, self.names())
        point = known[name]
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
        for part, kind in self.parts.items():
            if not isinstance(getattr(found, part, None), kind):
                raise InputError(f"{where} has no {part}, or a wrong one; mend the package that registers it.")
        if (own := getattr(found, "name", None)) != name:
            raise InputError(f"{where} calls itself {own!r}; mend the package that registers it.")
        plugin: T = found
        return plugin

    def _fits(self, found: object) -> bool:
        if self.classes:
            return isinstance(found, type) and issubclass(found, self.kind)
        return isinstance(found, self.kind)
