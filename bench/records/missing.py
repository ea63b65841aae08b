"""What is not there, and why."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Missing:
    """The reason why there is no value; false, like None."""

    reason: str

    @classmethod
    def broken(cls, error: Exception) -> Self:
        """Because somebody's code breaks: with what, and where."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        return cls(f"it breaks with {type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})")

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return self.reason
