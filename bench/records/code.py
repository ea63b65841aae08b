"""Which code made something: its digest, and those of its files, so that the one which changed can be named."""

from __future__ import annotations

from pydantic import BaseModel, Field

OWN = "symmbench/"


class Code(BaseModel):
    """The code of what was asked for, as it was when it was used. Empty: not kept, as in records of before."""

    digest: str = ""
    """Of what all files say, comments, docstrings and layout left out; the same on every Python."""
    of: tuple[str, ...] = ()
    """What was asked for: modules, and registered objects (`methods:unet`)."""
    files: dict[str, str] = Field(default_factory=dict)
    """Digest by file; empty for what is not installed."""
    text: str = ""
    """Hash of the files' text to the byte: where it is the same, nothing needs to be parsed."""

    def changed(self, now: Code) -> str:
        """In what the code is another one now, in a few words; empty where it is not."""
        if self.digest == now.digest:
            return ""
        if not self.digest:
            return "made before digests of code were kept"
        apart = [n for n in {**self.files, **now.files} if self.files.get(n) != now.files.get(n)]
        if gone := [name for name in apart if now.files.get(name) == ""]:
            return f"{_listed(gone)} not installed here"
        return f"{_listed([name.removeprefix(OWN) for name in apart])} changed"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
