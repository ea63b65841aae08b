"""What reaches a terminal or a log: text in which nothing from outside steers them. The one place at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console as _Console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from ...symmflow.names import printable


class Plain:
    """A stream that takes text from anywhere, as `printable` makes it; `rich_proxied_file` is the one behind it."""

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        write(self.rich_proxied_file, printable(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


class Console(_Console):
    """Rich's console: its own control codes go through, those of what it is given do not.

    A string is text: `:cat:` is no picture, `[red]` no colour.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, markup=False, **options)

    @property
    def file(self) -> IO[str]:
        """What is really written to, behind `Plain` and what a progress bar puts before it."""
        found: Any = super().file
        while (behind := getattr(found, "rich_proxied_file", found)) is not found:
            found = behind
        stream: IO[str] = found
        return stream

    @file.setter
    def file(self, stream: IO[str]) -> None:
        self._file = stream

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def write(stream: IO[str], text: str) -> None:
    """Also where a terminal's encoding lacks a character."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
