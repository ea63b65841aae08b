"""Which cells of a store a user names. Imported by every command line, so it imports little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from .asked import Asked, Names

if TYPE_CHECKING:
    from ..tasks.wanted import Filter


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which cells of a store are wanted; empty means all."""

    tasks: Annotated[Names, Asked("Only these tasks.", "--task", "-t", of="task")] = ()
    datasets: Annotated[Names, Asked("Only these data sets.", "--dataset", "-d", of="dataset")] = ()
    methods: Annotated[Names, Asked("Only these methods.", "--method", "-m", of="method")] = ()
    steps: Annotated[Sequence[int], Asked("Only these step counts.", "--steps", least=1)] = ()
    protocol: Annotated[
        str, Asked("Only this protocol: its name or file, or the beginning of its hash.", of="protocol")
    ] = ""

    @property
    def filter(self) -> Filter:
        """With tasks by their verbs too, and a protocol by its file."""
        from ..protocols import rules
        from ..tasks import task
        from ..tasks.wanted import Filter

        return Filter(
            tasks=tuple(task(name).name for name in self.tasks),
            datasets=tuple(self.datasets),
            methods=tuple(self.methods),
            steps=tuple(self.steps),
            protocol=rules(self.protocol).name if self.protocol.endswith(".toml") else self.protocol,
        )
